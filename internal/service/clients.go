package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/routing"
)

// Client is a client without token or token hash.
type Client struct {
	dispatchapy.Client
	OldTokenUntil time.Time // until when a replaced token works; zero: none does
	LastUse       time.Time // of its token; zero: never. Up to a minute is lost in a crash
}

// ClientUses knows when clients' tokens were used last.
type ClientUses interface {
	// NoteClient notes that a client's token is being used now.
	NoteClient(id int64)
	// ClientUses gives the last use by id; clients that were never seen are
	// absent.
	ClientUses(ctx context.Context, ids []int64) (map[int64]time.Time, error)
}

// NewClient is a client together with its token. The token is nowhere else:
// it is shown once. It is empty if the caller gave it.
type NewClient struct {
	Client
	Token dispatchapy.Secret
}

// Overlaps are the times for which a replaced token may go on working.
var Overlaps = []time.Duration{0, time.Hour, 24 * time.Hour}

// ListClients gives a page of clients, by name. A client sees itself.
func (s *Service) ListClients(ctx context.Context, p dispatchapy.Principal, r PageRequest) (Page[Client], error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Page[Client]{}, err
	}
	sight := s.sightOf(p)
	var visible []*routing.Client
	for _, c := range sight.snapshot.Clients {
		if sight.all || c == sight.client {
			visible = append(visible, c)
		}
	}
	found, err := byName(r, visible, func(c *routing.Client) string { return c.Name })
	page := Page[Client]{Items: make([]Client, len(found.Items)), Next: found.Next}
	for i, c := range found.Items {
		page.Items[i] = viewClient(c.Client)
	}
	if err != nil {
		return page, err
	}
	return page, s.addLastUse(ctx, page.Items)
}

// Client gives a client that p may see.
func (s *Service) Client(ctx context.Context, p dispatchapy.Principal, id int64) (Client, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Client{}, err
	}
	sight := s.sightOf(p)
	c := sight.snapshot.ClientByID(id)
	if c == nil || !sight.all && c != sight.client {
		return Client{}, notFound("client", id)
	}
	view := []Client{viewClient(c.Client)}
	err := s.addLastUse(ctx, view)
	return view[0], err
}

// addLastUse fills in when the clients' tokens were used last.
func (s *Service) addLastUse(ctx context.Context, clients []Client) error {
	if s.uses == nil || len(clients) == 0 {
		return nil
	}
	ids := make([]int64, len(clients))
	for i := range clients {
		ids[i] = clients[i].ID
	}
	uses, err := s.uses.ClientUses(ctx, ids)
	for i := range clients {
		clients[i].LastUse = uses[clients[i].ID]
	}
	return storeError(err)
}

func viewClient(c *dispatchapy.Client) Client {
	view := Client{Client: *clientKind.masked(c)}
	now := time.Now()
	for _, old := range c.OldTokens {
		if old.Until.After(now) && old.Until.After(view.OldTokenUntil) {
			view.OldTokenUntil = old.Until
		}
	}
	return view
}

// CreateClient adds a client. Without a token it gets one.
func (s *Service) CreateClient(ctx context.Context, p dispatchapy.Principal, c *dispatchapy.Client) (NewClient, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return NewClient{}, err
	}
	var token dispatchapy.Secret
	made, err := create(ctx, s, p, clientKind, c, func(_ *dispatchapy.Config, c *dispatchapy.Client) error {
		if c.TokenHash == "" {
			token = giveToken(c)
		}
		return nil
	})
	return s.writtenClient(ctx, made, token, err)
}

// UpdateClient changes a client that is at version expect. edit gets it without
// its token, which stays unless edit gives another one. It may be called
// several times. The error can be a *ConflictError.
func (s *Service) UpdateClient(ctx context.Context, p dispatchapy.Principal, id int64, expect *int64, edit func(*dispatchapy.Client) error) (Client, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Client{}, err
	}
	made, err := update(ctx, s, p, clientKind, id, expect, func(_ *dispatchapy.Config, c *dispatchapy.Client) error { return edit(c) })
	written, err := s.writtenClient(ctx, made, "", err)
	return written.Client, err
}

// UpdateClientDev changes the development settings of a client that is at
// version expect: of any by an administrator, of its own by a client. edit may
// be called several times. The error can be a *ConflictError, or CodeLimited: a
// client may not do this as often as it likes, because every change makes a new
// configuration for everybody, and an entry in the audit log.
func (s *Service) UpdateClientDev(ctx context.Context, p dispatchapy.Principal, id int64, expect *int64, edit func(*dispatchapy.ClientDev) error) (Client, error) {
	if err := require(p, dispatchapy.WriteDev); err != nil {
		return Client{}, err
	}
	if err := s.changesItself(p, id); err != nil {
		return Client{}, err
	}
	made, err := update(ctx, s, p, clientKind, id, expect, func(_ *dispatchapy.Config, c *dispatchapy.Client) error { return edit(&c.Dev) })
	written, err := s.writtenClient(ctx, made, "", err)
	return written.Client, err
}

// DuplicateClient adds a copy, "NAME copy", with a token of its own.
func (s *Service) DuplicateClient(ctx context.Context, p dispatchapy.Principal, id int64) (NewClient, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return NewClient{}, err
	}
	var token dispatchapy.Secret
	made, err := duplicate(ctx, s, p, clientKind, id, func(draft *dispatchapy.Config, c *dispatchapy.Client) error {
		c.Name = clientKind.freeName(draft, c.Name, " copy", " ")
		token = giveToken(c)
		c.OldTokens = nil
		return nil
	})
	return s.writtenClient(ctx, made, token, err)
}

// RotateToken gives a client a new token: an administrator any client, a client
// itself if it may. The one before works for the overlap, one of Overlaps; with
// 0 it and those before it end at once. expect is the version that the client
// must be at; nil: any.
func (s *Service) RotateToken(ctx context.Context, p dispatchapy.Principal, id int64, expect *int64, overlap time.Duration) (NewClient, error) {
	if err := require(p, dispatchapy.WriteDev); err != nil {
		return NewClient{}, err
	}
	if err := s.changesItself(p, id); err != nil {
		return NewClient{}, err
	}
	if !slices.Contains(Overlaps, overlap) {
		return NewClient{}, invalid("overlap", "must be 0s, 1h or 24h")
	}
	var token dispatchapy.Secret
	made, err := changeObject(ctx, s, p, clientKind, func(draft *dispatchapy.Config) (string, error) {
		i := clientKind.index(draft, id)
		if i < 0 {
			return "", notFound("client", id)
		}
		stored := &draft.Clients[i]
		if !p.IsStaff() && !stored.MayRotateToken {
			return "", dispatchapy.Errorf(dispatchapy.CodeForbidden, "this client may not change its token: ask an administrator")
		}
		if expect != nil && *expect != stored.Version {
			return "", staleVersion(fmt.Sprintf("client %q", stored.Name), stored.Version)
		}
		c := gatewayfile.Clone(stored)
		c.OldTokens = stillWorking(c, overlap, time.Now())
		token = giveToken(c)
		return clientKind.put(draft, i, c)
	})
	return s.writtenClient(ctx, made, token, err)
}

// stillWorking gives the old tokens of a client whose present one is replaced.
// The oldest make way where there would be too many.
func stillWorking(c *dispatchapy.Client, overlap time.Duration, now time.Time) []dispatchapy.OldToken {
	if overlap == 0 {
		return nil
	}
	old := slices.DeleteFunc(c.OldTokens, func(t dispatchapy.OldToken) bool { return !t.Until.After(now) })
	old = append(old, dispatchapy.OldToken{Hash: c.TokenHash, Until: now.Add(overlap).UTC().Truncate(time.Second)})
	return old[max(0, len(old)-dispatchapy.MaxOldTokens):]
}

func giveToken(c *dispatchapy.Client) dispatchapy.Secret {
	token := gatewayfile.NewToken()
	c.Token, c.TokenHash = "", dispatchapy.HashToken(token.Reveal()).String()
	return token
}

// ClientImpact says what deleting a client would do.
func (s *Service) ClientImpact(ctx context.Context, p dispatchapy.Principal, id int64) (Impact, error) {
	return impactOfID(ctx, s, p, clientKind, id)
}

// DeleteClient deletes a client. Its tasks stay. If it may post to an endpoint,
// confirm and the version of the Impact are needed. The error can be a
// *ConflictError.
func (s *Service) DeleteClient(ctx context.Context, p dispatchapy.Principal, id int64, expect *int64, confirm bool) error {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return err
	}
	return remove(ctx, s, p, clientKind, id, expect, confirm)
}

// writtenClient is the answer to a change.
//
// Failure policy: the change stands, and so the answer is given without the
// last use, if that cannot be read.
func (s *Service) writtenClient(ctx context.Context, made changed[dispatchapy.Client], token dispatchapy.Secret, err error) (NewClient, error) {
	if err != nil {
		return NewClient{}, err
	}
	view := []Client{viewClient(&made.object)}
	if err := s.addLastUse(ctx, view); err != nil {
		s.log.Warn("last use of a client's token could not be read", "error", err)
	}
	return NewClient{Client: view[0], Token: token}, nil
}
