package people

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// Bounds of sessions. How long they live is a matter of the settings.
const (
	sessionTrust = 2 * time.Second // what is known of a session in memory is then read again
	sessionsEach = 50              // of a user or client; a new one ends the one unseen for longest
	cachedMost   = 10_000
	maxAgent     = 200
)

func (p *People) sessionLimits() dispatchapy.Sessions {
	return p.snapshots.Load().Config.Settings.Sessions
}

// SignedIn is a new session. The token is shown this once.
type SignedIn struct {
	Token     dispatchapy.Secret
	Principal dispatchapy.Principal
	ExpiresAt time.Time // at the latest
}

// SignIn begins a session of the user with the name and the password. The
// error is CodeUnauthenticated if there is none, CodeLimited where too much
// was tried before, CodeUnavailable where too many try at once.
func (p *People) SignIn(ctx context.Context, name string, password dispatchapy.Secret, from From) (SignedIn, error) {
	u, stale, err := p.verify(ctx, name, password, from)
	if err != nil {
		return SignedIn{}, err
	}
	if stale {
		u = p.rehash(ctx, u, password)
	}
	in, err := p.begin(ctx, u.principal(), from)
	if err != nil {
		return SignedIn{}, err
	}
	// The password may have been changed meanwhile, here or elsewhere, and the
	// sessions ended before this one began.
	if err := p.Refresh(ctx); err != nil {
		return SignedIn{}, err
	}
	if now := p.directory.Load().userByID[u.ID]; now == nil || !now.Active || now.hash != u.hash {
		return SignedIn{}, errors.Join(errWrong, p.endByToken(ctx, in.Token))
	}
	return in, nil
}

// SignInClient begins a session of the client that owns the token.
func (p *People) SignInClient(ctx context.Context, token dispatchapy.Secret, from From) (SignedIn, error) {
	attempt, wait := p.throttle.begin(addressKey(from.Address), "")
	if wait > 0 {
		return SignedIn{}, p.limited(ctx, "", from, wait)
	}
	client := p.clientByToken(token)
	if client == nil {
		p.refused(ctx, nil, from)
		return SignedIn{}, errNoToken
	}
	attempt.succeeded()
	p.NoteClient(client.ID)
	in, err := p.begin(ctx, clientPrincipal(client), from)
	if err != nil {
		return SignedIn{}, err
	}
	// The token may have been changed meanwhile, and the sessions ended before
	// this one began.
	if p.clientByToken(token) == nil {
		return SignedIn{}, errors.Join(errNoToken, p.endByToken(ctx, in.Token))
	}
	return in, nil
}

var errNoToken = dispatchapy.Errorf(dispatchapy.CodeUnauthenticated, "the token is not valid")

func (p *People) clientByToken(token dispatchapy.Secret) *routing.Client {
	if token == "" {
		return nil
	}
	return p.snapshots.Load().ClientByToken(dispatchapy.HashToken(token.Reveal()), time.Now())
}

func clientPrincipal(c *routing.Client) dispatchapy.Principal {
	return dispatchapy.Principal{Name: c.Name, Role: dispatchapy.RoleClient, ClientID: c.ID}
}

// begin stores a new session. The audit comes first: nobody gets in unseen.
func (p *People) begin(ctx context.Context, who dispatchapy.Principal, from From) (SignedIn, error) {
	if err := p.record(ctx, who.Name, "sign in", who, "from "+host(from.Address)); err != nil {
		return SignedIn{}, err
	}
	if err := p.makeRoom(ctx, who); err != nil {
		return SignedIn{}, storeError(err)
	}
	token, now, limits := newSecret(SessionPrefix), time.Now(), p.sessionLimits()
	s := store.Session{
		Hash:        dispatchapy.HashToken(token.Reveal()),
		UserID:      who.UserID,
		ClientID:    who.ClientID,
		Address:     host(from.Address),
		Agent:       shorten(from.Agent, maxAgent),
		CreatedAt:   now,
		SeenAt:      now,
		IdleEnd:     now.Add(limits.Idle.Std()),
		AbsoluteEnd: now.Add(limits.Absolute.Std()),
	}
	if err := p.store.PutSession(ctx, s); err != nil {
		return SignedIn{}, storeError(err)
	}
	return SignedIn{Token: token, Principal: who, ExpiresAt: s.AbsoluteEnd}, nil
}

// makeRoom ends the sessions that a new one would be too many with.
func (p *People) makeRoom(ctx context.Context, who dispatchapy.Principal) error {
	sessions, err := p.store.ListSessions(ctx, who.UserID, who.ClientID)
	if err != nil || len(sessions) < sessionsEach {
		return err
	}
	var ids []int64
	for _, s := range sessions[sessionsEach-1:] {
		ids = append(ids, s.ID)
	}
	_, err = p.end(ctx, store.SessionSelection{IDs: ids})
	return err
}

var errNoSession = dispatchapy.Errorf(dispatchapy.CodeUnauthenticated, "the session has ended: sign in again")

// Authenticate gives who the session's token stands for, with the role of now.
// The error is CodeUnauthenticated if the session has ended.
//
// Failure policy: fail closed. While the database cannot be read a session is
// known for sessionTrust only; then the error is CodeUnavailable.
func (p *People) Authenticate(ctx context.Context, token dispatchapy.Secret) (dispatchapy.Principal, error) {
	if !strings.HasPrefix(token.Reveal(), SessionPrefix) {
		return dispatchapy.Principal{}, errNoSession
	}
	s, err := p.session(ctx, dispatchapy.HashToken(token.Reveal()))
	if err != nil {
		return dispatchapy.Principal{}, err
	}
	who, ok := p.owner(&s)
	if !ok {
		return who, errNoSession
	}
	p.sessions.touch(&s, time.Now())
	return who, nil
}

// owner gives whose session it is, if they still may have one.
func (p *People) owner(s *store.Session) (dispatchapy.Principal, bool) {
	if s.ClientID != 0 {
		client := p.snapshots.Load().ClientByID(s.ClientID)
		if client == nil {
			return dispatchapy.Principal{}, false
		}
		return clientPrincipal(client), true
	}
	u := p.directory.Load().userByID[s.UserID]
	if u == nil || !u.Active {
		return dispatchapy.Principal{}, false
	}
	return u.principal(), true
}

// session finds a session that has not ended.
func (p *People) session(ctx context.Context, hash [32]byte) (store.Session, error) {
	if s, ok := p.sessions.get(hash, time.Now()); ok {
		return s, nil
	}
	began := p.sessions.generation()
	s, err := p.store.Session(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return s, errNoSession
	}
	if err != nil {
		return s, storeError(err)
	}
	p.sessions.put(s, time.Now(), began)
	return s, nil
}

// SignOut ends the session. That it had ended before is no error.
func (p *People) SignOut(ctx context.Context, token dispatchapy.Secret) error {
	who, err := p.Authenticate(ctx, token)
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeUnauthenticated {
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.endByToken(ctx, token); err != nil {
		return storeError(err)
	}
	return p.record(ctx, who.Name, "sign out", who, "")
}

// endByToken ends the session of a token, if it has not ended already.
func (p *People) endByToken(ctx context.Context, token dispatchapy.Secret) error {
	s, err := p.store.Session(ctx, dispatchapy.HashToken(token.Reveal()))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		_, err = p.end(ctx, store.SessionSelection{IDs: []int64{s.ID}})
	}
	return err
}

// end ends sessions, in memory only after the database has forgotten them.
func (p *People) end(ctx context.Context, q store.SessionSelection) (int, error) {
	n, err := p.store.DeleteSessions(ctx, q)
	p.sessions.forget(func(s *store.Session) bool {
		return slices.Contains(q.IDs, s.ID) ||
			s.Hash != q.Except && (q.UserID != 0 && s.UserID == q.UserID || q.ClientID != 0 && s.ClientID == q.ClientID)
	})
	return n, err
}

// sessionCache knows the sessions that were asked for lately.
type sessionCache struct {
	mu      sync.Mutex
	entries map[[32]byte]*sessionEntry
	seen    map[[32]byte]time.Time // not written yet
	ends    int64                  // how often sessions were ended
}

type sessionEntry struct {
	session store.Session
	readAt  time.Time
}

// get gives a session that was read within sessionTrust and has not ended.
func (c *sessionCache) get(hash [32]byte, now time.Time) (store.Session, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[hash]
	if e == nil || now.Sub(e.readAt) > sessionTrust || !now.Before(e.session.AbsoluteEnd) {
		return store.Session{}, false
	}
	return e.session, true
}

// generation is to be asked for before a session is read that is then put.
func (c *sessionCache) generation() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ends
}

// put keeps a session, unless one was ended since it was read: it may be this.
func (c *sessionCache) put(s store.Session, now time.Time, generation int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.ends {
		return
	}
	if len(c.entries) >= cachedMost {
		clear(c.entries) // they are read again
	}
	c.entries[s.Hash] = &sessionEntry{s, now}
}

// touch notes that the session is in use.
func (c *sessionCache) touch(s *store.Session, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, noted := c.seen[s.Hash]; noted || len(c.seen) < cachedMost {
		c.seen[s.Hash] = now
	}
}

// takeSeen gives what is to be written. Those seen may be idle from then on.
func (c *sessionCache) takeSeen(idle time.Duration) []store.SessionSeen {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := make([]store.SessionSeen, 0, len(c.seen))
	for hash, at := range c.seen {
		taken = append(taken, store.SessionSeen{Hash: hash, SeenAt: at, IdleEnd: at.Add(idle)})
	}
	clear(c.seen)
	return taken
}

func (c *sessionCache) forget(which func(*store.Session) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ends++
	for hash, e := range c.entries {
		if which(&e.session) {
			delete(c.entries, hash)
		}
	}
}
