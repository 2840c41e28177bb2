package people

import (
	"context"
	"fmt"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// SessionInfo is a session as people see it.
type SessionInfo struct {
	ID        int64
	Owner     dispatchapy.Principal // with the role of now
	Address   string
	Agent     string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time // unless it is used before
	Current   bool      // the one that asks
}

// Sessions lists sessions, those used last first: everybody's for whoever
// manages users, else one's own. current is the session that asks, "" if it is
// none.
func (p *People) Sessions(ctx context.Context, who dispatchapy.Principal, current dispatchapy.Secret) ([]SessionInfo, error) {
	sessions, err := p.visible(ctx, who)
	if err != nil {
		return nil, err
	}
	hash := dispatchapy.HashToken(current.Reveal())
	out := make([]SessionInfo, 0, len(sessions))
	for i := range sessions {
		s := &sessions[i]
		owner, ok := p.owner(s)
		if !ok {
			continue // it lets nobody in
		}
		expires := s.IdleEnd
		if s.AbsoluteEnd.Before(expires) {
			expires = s.AbsoluteEnd
		}
		out = append(out, SessionInfo{
			ID: s.ID, Owner: owner, Address: s.Address, Agent: s.Agent,
			CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, ExpiresAt: expires, Current: s.Hash == hash,
		})
	}
	return out, nil
}

// visible gives the sessions that the principal may see and end.
func (p *People) visible(ctx context.Context, who dispatchapy.Principal) ([]store.Session, error) {
	if !who.Known() {
		return nil, who.Require(dispatchapy.ManageUsers)
	}
	user, client := who.UserID, who.ClientID
	if who.May(dispatchapy.ManageUsers) {
		user, client = 0, 0
	} else if user == 0 && client == 0 {
		return nil, nil // a token has no sessions; for the store this would be everybody
	}
	sessions, err := p.store.ListSessions(ctx, user, client)
	return sessions, storeError(err)
}

// Revoke ends a session: one's own, or anybody's for whoever manages users.
func (p *People) Revoke(ctx context.Context, who dispatchapy.Principal, id int64) error {
	sessions, err := p.visible(ctx, who)
	if err != nil {
		return err
	}
	for i := range sessions {
		if sessions[i].ID != id {
			continue
		}
		owner, _ := p.owner(&sessions[i])
		if _, err := p.end(ctx, store.SessionSelection{IDs: []int64{id}}); err != nil {
			return storeError(err)
		}
		return p.record(ctx, who.Name, "end session", owner, "from "+sessions[i].Address)
	}
	return dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no session %d", id)
}

// RevokeOthers ends one's own sessions but the one that asks, and says how
// many there were.
func (p *People) RevokeOthers(ctx context.Context, who dispatchapy.Principal, current dispatchapy.Secret) (int, error) {
	if who.UserID == 0 && who.ClientID == 0 {
		return 0, nil // for the store this would be nobody's or everybody's
	}
	n, err := p.end(ctx, store.SessionSelection{
		UserID: who.UserID, ClientID: who.ClientID, Except: dispatchapy.HashToken(current.Reveal()),
	})
	if err != nil {
		return 0, storeError(err)
	}
	return n, p.record(ctx, who.Name, "end other sessions", who, fmt.Sprintf("%d ended", n))
}

// endAll ends the sessions of a user whose right to them changed.
//
// Failure policy: the change stands already, and the caller is told that the
// sessions may live on, and what to do.
func (p *People) endAll(ctx context.Context, q store.SessionSelection) error {
	if _, err := p.end(ctx, q); err != nil {
		return &dispatchapy.Error{Code: dispatchapy.CodeUnavailable, Err: err,
			Message: "the user was changed, but the database failed before the user's sessions were ended: end them now"}
	}
	return nil
}
