package health

import (
	"context"
	"strings"
	"time"

	"dispatchapy/internal/routing"
)

const (
	// certificateEvery is how often the certificate of a resource is looked at
	// whose checks do no more than connect.
	certificateEvery = 24 * time.Hour

	certificateTimeout = 5 * time.Second
)

// looked is when a certificate was looked at, and where.
type looked struct {
	addr string
	at   time.Time
}

// lookAtCertificate does so once a day, after a check that could connect.
//
// Failure policy: fail open. A certificate that cannot be looked at is looked at
// again a day later; deliveries over a connection that does not come about fail
// by themselves.
func (r *Runner) lookAtCertificate(ctx context.Context, res *routing.Resource) {
	if !strings.HasPrefix(strings.ToLower(res.URL), "https:") {
		return
	}
	addr, err := res.Target.Addr()
	if err != nil {
		return
	}
	if last, ok := r.certificates.Load(res.ID); ok && last.(looked).addr == addr && time.Since(last.(looked).at) < certificateEvery {
		return
	}
	r.certificates.Store(res.ID, looked{addr, time.Now()})
	ctx, cancel := context.WithTimeout(ctx, certificateTimeout)
	defer cancel()
	ends, err := r.client.CertificateEnds(ctx, addr)
	if err != nil {
		r.log.Debug("certificate could not be looked at", "resource", res.Name, "error", err)
		return
	}
	if !ends.IsZero() {
		r.watch.Certificate(res.ID, ends)
	}
}
