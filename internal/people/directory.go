package people

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// User is somebody who signs in with a name and a password.
type User struct {
	ID         int64
	Version    int64 // must be given to change or delete it
	Name       string
	Role       dispatchapy.Role
	Active     bool // others cannot sign in
	CreatedAt  time.Time
	PasswordAt time.Time // when the password was set

	hash     string // of the password, in argon2's own notation
	external string // identity at a provider that made the user; "": an administrator did
}

// Token is an API token, with which a program asks. The token itself is shown
// once and never stored.
type Token struct {
	ID        int64
	Version   int64 // must be given to change or delete it
	Name      string
	Role      dispatchapy.Role
	CreatedBy string
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	LastUse   time.Time // zero: never; some minutes late after a crash

	hash dispatchapy.TokenHash
}

// expired reports whether the token's time is over.
func (t *Token) expired(now time.Time) bool {
	return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt)
}

// storedUser and storedToken are what is sealed. The name is the row's.
type storedUser struct {
	Role       dispatchapy.Role `json:"role"`
	Active     bool             `json:"active"`
	Hash       string           `json:"hash"`
	CreatedAt  time.Time        `json:"created_at"`
	PasswordAt time.Time        `json:"password_at"`
	External   string           `json:"external,omitempty"`
}

type storedToken struct {
	Role      dispatchapy.Role `json:"role"`
	Hash      string           `json:"hash"`
	CreatedBy string           `json:"created_by"`
	CreatedAt time.Time        `json:"created_at"`
	ExpiresAt time.Time        `json:"expires_at,omitzero"`
}

// directory is everybody there is at one version of the configuration. It is
// immutable, and so is what its pointers lead to.
type directory struct {
	version    int64
	unreadable error    // of a row that was left out; nil: none was
	users      []*User  // by name
	tokens     []*Token // by name
	userByID   map[int64]*User
	userByName map[string]*User // by folded name
	tokenByID  map[int64]*Token
	tokenBy    map[dispatchapy.TokenHash]*Token
}

func newDirectory(version int64, unreadable error) *directory {
	return &directory{
		version:    version,
		unreadable: unreadable,
		userByID:   map[int64]*User{},
		userByName: map[string]*User{},
		tokenByID:  map[int64]*Token{},
		tokenBy:    map[dispatchapy.TokenHash]*Token{},
	}
}

// fold makes names equal that people take for the same.
func fold(name string) string { return strings.ToLower(name) }

func (d *directory) addUser(u *User) {
	d.users = append(d.users, u)
	d.userByID[u.ID] = u
	d.userByName[fold(u.Name)] = u
}

func (d *directory) addToken(t *Token) {
	d.tokens = append(d.tokens, t)
	d.tokenByID[t.ID] = t
	d.tokenBy[t.hash] = t
}

func (d *directory) sort() {
	slices.SortFunc(d.users, func(a, b *User) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.tokens, func(a, b *Token) int { return cmp.Compare(a.Name, b.Name) })
}

// Refresh brings the directory up to what is stored. It is called at start, on
// hints and by a poll, each time after the configuration was refreshed.
//
// Failure policy: while the database cannot be read the present directory
// stays in force. A row that cannot be read is left out, and logged: nobody
// gets in by it.
func (p *People) Refresh(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.refresh(ctx); err != nil {
		return storeError(err)
	}
	if err := p.followClients(ctx); err != nil {
		return storeError(err)
	}
	return storeError(p.followLimits(ctx))
}

// refresh is the directory's part of Refresh, for callers that hold mu.
func (p *People) refresh(ctx context.Context) error {
	version, err := p.store.ConfigVersion(ctx)
	if err != nil {
		return err
	}
	if version == p.directory.Load().version {
		return nil
	}
	version, objects, err := p.store.LoadConfig(ctx)
	if err != nil {
		return err
	}
	next := p.open(version, objects)
	if next.unreadable != nil {
		p.log.Error("somebody was left out of the directory", "version", version, "error", next.unreadable)
	}
	p.directory.Store(next)
	return nil
}

// open makes the directory out of stored objects.
func (p *People) open(version int64, objects []store.ConfigObject) *directory {
	d := newDirectory(version, nil)
	for i := range objects {
		o := &objects[i]
		if o.Kind != store.KindUser && o.Kind != store.KindToken {
			continue
		}
		body, err := p.box.Open(o.Body, rowIdentity(o.Kind, o.Name))
		if err == nil {
			err = d.add(o, body)
		}
		if err != nil {
			d.unreadable = fmt.Errorf("the stored %s %q cannot be read: %w", o.Kind, o.Name, err)
		}
	}
	d.sort()
	return d
}

func (d *directory) add(o *store.ConfigObject, body []byte) error {
	if o.Kind == store.KindUser {
		var s storedUser
		if err := json.Unmarshal(body, &s); err != nil {
			return err
		}
		d.addUser(&User{
			ID: o.ID, Version: o.Version, Name: o.Name,
			Role: s.Role, Active: s.Active, hash: s.Hash, CreatedAt: s.CreatedAt, PasswordAt: s.PasswordAt,
			external: s.External,
		})
		return nil
	}
	var s storedToken
	if err := json.Unmarshal(body, &s); err != nil {
		return err
	}
	hash, err := dispatchapy.ParseTokenHash(s.Hash)
	if err != nil {
		return err
	}
	d.addToken(&Token{
		ID: o.ID, Version: o.Version, Name: o.Name,
		Role: s.Role, hash: hash, CreatedBy: s.CreatedBy, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt,
	})
	return nil
}

// rowIdentity binds a sealed object to its row, as it is done for the objects
// of the configuration.
func rowIdentity(kind store.Kind, name string) []byte {
	return []byte("config\x00" + string(kind) + "\x00" + name)
}

func (p *People) seal(kind store.Kind, id int64, name string, value any) (store.ConfigObject, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return store.ConfigObject{}, fmt.Errorf("encode %s %q: %w", kind, name, err)
	}
	return store.ConfigObject{Kind: kind, ID: id, Name: name, Body: p.box.Seal(body, rowIdentity(kind, name))}, nil
}

func (p *People) sealUser(u *User) (store.ConfigObject, error) {
	return p.seal(store.KindUser, u.ID, u.Name, storedUser{
		Role: u.Role, Active: u.Active, Hash: u.hash, CreatedAt: u.CreatedAt, PasswordAt: u.PasswordAt, External: u.external,
	})
}

func (p *People) sealToken(t *Token) (store.ConfigObject, error) {
	return p.seal(store.KindToken, t.ID, t.Name, storedToken{
		Role: t.Role, Hash: t.hash.String(), CreatedBy: t.CreatedBy, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt,
	})
}

// followClients ends the sessions of clients whose token was changed: whoever
// signed in with the old one may not be meant to any more. The caller holds mu.
func (p *People) followClients(ctx context.Context) error {
	cfg := p.snapshots.Load().Config
	if p.clients != nil && cfg.Version == p.clientConfig {
		return nil
	}
	present := make(map[int64]string, len(cfg.Clients))
	for i := range cfg.Clients {
		present[cfg.Clients[i].ID] = cfg.Clients[i].TokenHash
	}
	for id, hash := range p.clients {
		if now, there := present[id]; there && now == hash {
			continue
		}
		if _, err := p.store.DeleteSessions(ctx, store.SessionSelection{ClientID: id}); err != nil {
			return err // the next poll tries again
		}
		p.sessions.forget(func(s *store.Session) bool { return s.ClientID == id })
	}
	p.clients, p.clientConfig = present, cfg.Version
	return nil
}

// followLimits makes all sessions keep the limits of the settings: shorter ones
// hold for those that there are already, longer ones from their next request
// on, but no session lives longer in all than was said when it began. What was
// seen and not written yet is written first, so that nobody is taken for idle.
// The caller holds mu.
func (p *People) followLimits(ctx context.Context) error {
	limits := p.sessionLimits()
	if limits == p.limits {
		return nil
	}
	p.flush(ctx)
	if err := p.store.LimitSessions(ctx, limits.Idle.Std(), limits.Absolute.Std()); err != nil {
		return err // the next poll tries again
	}
	p.sessions.forget(func(*store.Session) bool { return true })
	p.limits = limits
	return nil
}
