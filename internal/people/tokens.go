package people

import (
	"context"
	"strings"
	"time"
	"unicode"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// NewToken is an API token to create.
type NewToken struct {
	Name      string
	Role      dispatchapy.Role
	ExpiresAt time.Time // zero: never
}

// TokenEdit changes what is not nil.
type TokenEdit struct {
	Name      *string
	Role      *dispatchapy.Role
	ExpiresAt *time.Time // zero: never
}

// ListTokens gives all API tokens, by name.
func (p *People) ListTokens(ctx context.Context, who dispatchapy.Principal) ([]Token, error) {
	if err := who.Require(dispatchapy.ManageUsers); err != nil {
		return nil, err
	}
	tokens := values(p.directory.Load().tokens)
	return tokens, p.addLastUse(ctx, tokens)
}

// Token gives an API token.
func (p *People) Token(ctx context.Context, who dispatchapy.Principal, id int64) (Token, error) {
	if err := who.Require(dispatchapy.ManageUsers); err != nil {
		return Token{}, err
	}
	t := p.directory.Load().tokenByID[id]
	if t == nil {
		return Token{}, notFound(store.KindToken, id)
	}
	found := []Token{*t}
	err := p.addLastUse(ctx, found)
	return found[0], err
}

// addLastUse fills in when tokens were used last.
func (p *People) addLastUse(ctx context.Context, tokens []Token) error {
	ids := make([]int64, len(tokens))
	for i := range tokens {
		ids[i] = tokens[i].ID
	}
	uses, err := p.lastUses(ctx, store.KindToken, ids)
	for i := range tokens {
		tokens[i].LastUse = uses[tokens[i].ID]
	}
	return err
}

// CreateToken creates an API token. The secret is shown this once.
func (p *People) CreateToken(ctx context.Context, who dispatchapy.Principal, n NewToken) (Token, dispatchapy.Secret, error) {
	if err := who.Require(dispatchapy.ManageUsers); err != nil {
		return Token{}, "", err
	}
	now := time.Now()
	made := Token{Name: n.Name, Role: n.Role, CreatedBy: who.Name, CreatedAt: now, ExpiresAt: expiry(n.ExpiresAt)}
	faults := tokenFaults(&made)
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(now) {
		faults = append(faults, dispatchapy.FieldError{Path: "expires_at", Message: "must be in the future"})
	}
	if err := invalid(faults...); err != nil {
		return Token{}, "", err
	}
	secret := newSecret(TokenPrefix)
	made.hash = dispatchapy.HashToken(secret.Reveal())
	created, err := p.putToken(ctx, who, "create", func(*directory) (*Token, *Token, error) { return nil, &made, nil })
	if err != nil {
		return Token{}, "", err
	}
	return created, secret, nil
}

// EditToken changes an API token that is at the expected version. An end in the past is
// allowed: it switches the token off.
func (p *People) EditToken(ctx context.Context, who dispatchapy.Principal, id int64, expect *int64, e TokenEdit) (Token, error) {
	if err := who.Require(dispatchapy.ManageUsers); err != nil {
		return Token{}, err
	}
	return p.putToken(ctx, who, "update", func(d *directory) (*Token, *Token, error) {
		old := d.tokenByID[id]
		if old == nil {
			return nil, nil, notFound(store.KindToken, id)
		}
		next := *old
		if e.Name != nil {
			next.Name = *e.Name
		}
		if e.Role != nil {
			next.Role = *e.Role
		}
		if e.ExpiresAt != nil && !e.ExpiresAt.Equal(old.ExpiresAt) {
			next.ExpiresAt = expiry(*e.ExpiresAt)
		}
		if err := atVersion(expect, old.Version, *old, next); err != nil {
			return nil, nil, err
		}
		return old, &next, invalid(tokenFaults(&next)...)
	})
}

// DeleteToken deletes an API token that is at the expected version. It stops working at
// once.
func (p *People) DeleteToken(ctx context.Context, who dispatchapy.Principal, id int64, expect *int64) error {
	if err := who.Require(dispatchapy.ManageUsers); err != nil {
		return err
	}
	_, err := p.change(ctx, who, func(d *directory) (*plan, error) {
		t := d.tokenByID[id]
		if t == nil {
			return nil, notFound(store.KindToken, id)
		}
		if err := atVersion(expect, t.Version, *t, nil); err != nil {
			return nil, err
		}
		return &plan{ref: store.ObjectRef{Kind: store.KindToken, ID: id}, name: t.Name, action: "delete", before: auditToken(t)}, nil
	})
	return err
}

// putToken stores what edit makes of the token that it finds.
func (p *People) putToken(ctx context.Context, who dispatchapy.Principal, action string, edit func(*directory) (old, next *Token, err error)) (Token, error) {
	id, err := p.change(ctx, who, func(d *directory) (*plan, error) {
		old, next, err := edit(d)
		if err != nil {
			return nil, err
		}
		if old == nil && len(d.tokens) >= mostTokens {
			return nil, dispatchapy.Errorf(dispatchapy.CodeConflict, "there are %d API tokens, which is as many as there may be", mostTokens)
		}
		for _, other := range d.tokens {
			if other.Name == next.Name && other.ID != next.ID {
				return nil, dispatchapy.Errorf(dispatchapy.CodeConflict, "there is another API token with the name %q", next.Name)
			}
		}
		row, err := p.sealToken(next)
		if err != nil {
			return nil, err
		}
		pl := &plan{put: &row, ref: store.ObjectRef{Kind: store.KindToken, ID: next.ID}, name: next.Name, action: action, after: auditToken(next)}
		if old != nil {
			pl.before, pl.idle = auditToken(old), *old == *next
		}
		return pl, nil
	})
	if err != nil {
		return Token{}, err
	}
	return p.Token(ctx, who, id)
}

// expiry gives a time the resolution with which it is shown, so that what is
// shown can be sent back.
func expiry(at time.Time) time.Time { return at.UTC().Truncate(time.Millisecond) }

// tokenFaults says what is wrong with a token.
func tokenFaults(t *Token) []dispatchapy.FieldError {
	faults, name := roleFaults(t.Role), t.Name
	if year := t.ExpiresAt.Year(); year < 1 || year > 9999 {
		faults = append(faults, dispatchapy.FieldError{Path: "expires_at", Message: "must be in the years 1 to 9999"})
	}
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	switch {
	case strings.TrimSpace(name) == "" || strings.TrimSpace(name) != name:
		faults = append(faults, dispatchapy.FieldError{Path: "name", Message: "must not be empty, nor begin or end with a space"})
	case len(name) > maxName:
		faults = append(faults, dispatchapy.FieldError{Path: "name", Message: "is too long: at most 100 bytes"})
	case strings.IndexFunc(name, unprintable) >= 0:
		faults = append(faults, dispatchapy.FieldError{Path: "name", Message: "must not have control characters in it"})
	}
	return faults
}
