// Package people knows who may ask the gateway for what: users with passwords,
// API tokens of programs, and the sessions of those who signed in. It finds
// out who somebody is (Authenticate…, SignIn…), and holds the use cases by
// which administrators manage users and tokens.
//
// Users and tokens are stored beside the configuration, sealed like it, and
// counted by its version. They are looked up in a directory in memory, which
// is replaced as a whole when the version moves: at once where the change was
// made, with the next poll elsewhere. Sessions are rows of their own; what is
// known of one in memory is trusted for sessionTrust and then read again, so
// that a revoked session ends everywhere.
package people

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// ObjectStore is where users and tokens live.
type ObjectStore interface {
	LoadConfig(ctx context.Context) (version int64, objects []store.ConfigObject, err error)
	ConfigVersion(ctx context.Context) (int64, error)
	ApplyConfig(ctx context.Context, update store.ConfigUpdate) (version int64, ids []int64, err error)
}

// SessionStore is where sessions live.
type SessionStore interface {
	PutSession(ctx context.Context, s store.Session) error
	Session(ctx context.Context, hash [32]byte) (store.Session, error)
	TouchSessions(ctx context.Context, seen []store.SessionSeen) error
	LimitSessions(ctx context.Context, idle, absolute time.Duration) error
	ListSessions(ctx context.Context, userID, clientID int64) ([]store.Session, error)
	DeleteSessions(ctx context.Context, q store.SessionSelection) (int, error)
	DeleteEndedSessions(ctx context.Context, limit int) (int, error)
}

// TrailStore keeps what people did and when tokens were used.
type TrailStore interface {
	AppendAudit(ctx context.Context, entries []store.AuditEntry) error
	AppendEvents(ctx context.Context, events []dispatchapy.Event) error
	RecordTokenUse(ctx context.Context, uses map[store.ObjectRef]time.Time) error
	TokenUses(ctx context.Context, kind store.Kind, ids []int64) (map[int64]time.Time, error)
}

// Store is what the package needs from the database.
type Store interface {
	ObjectStore
	SessionStore
	TrailStore
}

// Box encrypts what is stored of users and tokens. aad names the row.
type Box interface {
	Seal(plaintext, aad []byte) []byte
	Open(sealed, aad []byte) ([]byte, error)
}

// Snapshots gives the configuration in force, for the clients in it.
type Snapshots interface{ Load() *routing.Snapshot }

// Options are what People is made of. All but Cost are required.
type Options struct {
	Store     Store
	Box       Box
	Snapshots Snapshots
	Log       *slog.Logger

	// Cost is what hashing a password costs; nil: DefaultCost. Hashes of
	// another cost are replaced when their owner signs in.
	Cost *argon2id.Params
}

// People is the use cases. Its methods are safe for concurrent use. Run must
// run beside them.
type People struct {
	store     Store
	box       Box
	snapshots Snapshots
	log       *slog.Logger

	directory atomic.Pointer[directory]
	hasher    *hasher
	throttle  *throttle
	refusals  ration // of audit entries about refused attempts
	alarms    ration // of events about throttled ones
	sessions  sessionCache
	uses      tokenUses

	mu           sync.Mutex           // held while the directory is being replaced
	clients      map[int64]string     // hash of the token, as of clientConfig
	clientConfig int64                // version of the configuration that clients is of
	limits       dispatchapy.Sessions // that are kept by all sessions; zero: not known yet
}

// New makes People. Nobody is known before the first Refresh.
func New(o Options) *People {
	cost := o.Cost
	if cost == nil {
		cost = DefaultCost()
	}
	p := &People{
		store:     o.Store,
		box:       o.Box,
		snapshots: o.Snapshots,
		log:       o.Log,
		hasher:    newHasher(cost),
		throttle:  newThrottle(),
		refusals:  newRation(refusalsEvery, refusalsBurst),
		alarms:    newRation(alarmsEvery, alarmsBurst),
		sessions:  sessionCache{entries: map[[32]byte]*sessionEntry{}, seen: map[[32]byte]time.Time{}},
		uses:      tokenUses{pending: map[store.ObjectRef]time.Time{}},
	}
	p.directory.Store(newDirectory(0, nil))
	return p
}

// How often Run writes down what has gathered, and cleans up.
const (
	flushEvery = time.Minute
	sweepLimit = 1000 // ended sessions that are forgotten at a time
)

// Run writes down when sessions and tokens were used, and forgets ended
// sessions, until ctx ends; then it writes down the rest.
//
// Failure policy: what could not be written is dropped and logged. Times of
// last use are for people to look at, and a session that is in use is touched
// again.
func (p *People) Run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.flush(ctx)
			if _, err := p.store.DeleteEndedSessions(ctx, sweepLimit); err != nil && ctx.Err() == nil {
				p.log.Warn("ended sessions could not be deleted", "error", err)
			}
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			p.flush(last)
			return
		}
	}
}

func (p *People) flush(ctx context.Context) {
	if seen := p.sessions.takeSeen(p.sessionLimits().Idle.Std()); len(seen) > 0 {
		if err := p.store.TouchSessions(ctx, seen); err != nil && ctx.Err() == nil {
			p.log.Warn("last use of sessions could not be written", "error", err)
		}
	}
	if uses := p.uses.take(); len(uses) > 0 {
		if err := p.store.RecordTokenUse(ctx, uses); err != nil && ctx.Err() == nil {
			p.log.Warn("last use of tokens could not be written", "error", err)
		}
	}
}

// newSecret gives 256 random bits in URL-safe text of 43 characters.
func newSecret(prefix string) dispatchapy.Secret {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // never fails
	return dispatchapy.Secret(prefix + encoding.EncodeToString(bits[:]))
}

func notFound(kind store.Kind, id int64) error {
	words := string(kind)
	if kind == store.KindToken {
		words = "API token"
	}
	return dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no %s %d", words, id)
}

func invalid(fields ...dispatchapy.FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "the request is not valid", Fields: fields}
}

// storeError gives a failure of the database the code under which the caller
// can act on it. The cause is kept for the log.
func storeError(err error) error {
	var known *dispatchapy.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		return &dispatchapy.Error{Code: dispatchapy.CodeUnavailable, Message: "the database is not available: try again", Err: err}
	}
	return err
}
