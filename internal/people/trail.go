package people

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Bounds of what refused people get written into the audit log.
const (
	refusalsEvery = 20 * time.Second
	refusalsBurst = 20
)

// record writes an audit entry about somebody's own coming and going.
func (p *People) record(ctx context.Context, by, action string, about dispatchapy.Principal, detail string) error {
	kind, id := store.KindUser, about.UserID
	if about.ClientID != 0 {
		kind, id = store.KindClient, about.ClientID
	}
	return storeError(p.store.AppendAudit(ctx, []store.AuditEntry{{
		At: time.Now(), By: by, Action: action, Kind: kind, ObjectID: id, Name: about.Name, Detail: detail,
	}}))
}

// ration bounds what strangers get written into the database.
type ration struct {
	mu      sync.Mutex
	limiter *rate.Limiter
	skipped int
}

func newRation(every time.Duration, burst int) ration {
	return ration{limiter: rate.NewLimiter(rate.Every(every), burst)}
}

// next says whether one more may be written, and how many before it were not.
func (r *ration) next() (skipped int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.limiter.Allow() {
		r.skipped++
		return 0, false
	}
	skipped, r.skipped = r.skipped, 0
	return skipped, true
}

// refused writes that somebody was not let in. u is the user whose name was
// given, nil if there is none: then the name is not written down, because
// people type their password into the wrong field.
//
// Failure policy: the attempt is refused anyway; that it could not be written
// is logged.
func (p *People) refused(ctx context.Context, u *User, from From) {
	skipped, ok := p.refusals.next()
	if !ok {
		return
	}
	about, detail := dispatchapy.Principal{}, "from "+host(from.Address)
	if u != nil {
		about = u.principal()
	}
	if skipped > 0 {
		detail += fmt.Sprintf("; %d more were refused before", skipped)
	}
	if err := p.record(ctx, "nobody", "sign in refused", about, detail); err != nil {
		p.log.Warn("a refused sign in could not be written to the audit log", "error", err)
	}
}

// shorten cuts text from strangers to a number of bytes and makes it valid.
func shorten(s string, most int) string {
	if len(s) > most {
		for most > 0 && !utf8.RuneStart(s[most]) {
			most--
		}
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
