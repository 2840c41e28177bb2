package people

import (
	"context"
	"sync"
	"time"

	"dispatchapy/internal/store"
)

// tokenUses gathers when tokens were used last. It holds no more than there are
// tokens and clients, and is emptied whenever it is written down.
type tokenUses struct {
	mu      sync.Mutex
	pending map[store.ObjectRef]time.Time
}

func (u *tokenUses) note(token store.ObjectRef, at time.Time) {
	u.mu.Lock()
	u.pending[token] = at
	u.mu.Unlock()
}

func (u *tokenUses) take() map[store.ObjectRef]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.pending
	u.pending = map[store.ObjectRef]time.Time{}
	return taken
}

// of gives the last use of a token that was not written yet.
func (u *tokenUses) of(token store.ObjectRef) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.pending[token]
}

// NoteClient notes that a client's token is being used. It is cheap enough for
// every message.
func (p *People) NoteClient(id int64) {
	p.uses.note(store.ObjectRef{Kind: store.KindClient, ID: id}, time.Now())
}

// ClientUses gives when clients' tokens were used last, by id; those that never
// were are absent. After a crash it may be a minute behind.
func (p *People) ClientUses(ctx context.Context, ids []int64) (map[int64]time.Time, error) {
	return p.lastUses(ctx, store.KindClient, ids)
}

func (p *People) lastUses(ctx context.Context, kind store.Kind, ids []int64) (map[int64]time.Time, error) {
	uses, err := p.store.TokenUses(ctx, kind, ids)
	if err != nil {
		return nil, storeError(err)
	}
	for _, id := range ids {
		if recent := p.uses.of(store.ObjectRef{Kind: kind, ID: id}); recent.After(uses[id]) {
			uses[id] = recent
		}
	}
	return uses, nil
}
