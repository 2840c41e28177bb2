package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// TestAlert sends a test message through a channel at once: what it would say if
// a resource had gone down now, marked as a test. resource is whose own notice
// the channel is; nil: nobody's.
func (r *Runner) TestAlert(ctx context.Context, c *dispatchapy.Channel, resource *dispatchapy.Resource) dispatchapy.AlertTest {
	start := time.Now()
	e := store.EventDetail{Resource: "example", OpenedAt: start}
	e.Kind, e.At, e.Detail = dispatchapy.EventResourceDown, start, "this is a test, and nothing is down"
	w := r.world(r.snapshots.Load(), start)
	w.test = true
	w.address = func(int64) string { return "https://example.com/" }
	if resource != nil {
		e.Resource, e.ResourceID = resource.Name, resource.ID
		w.address = func(int64) string { return resource.URL }
	}
	d := &store.NotificationDetail{Events: []store.EventDetail{e}}
	d.Notification.Events = 1
	t := tell(w, d)
	t.key = "test-" + rand.Text()
	out := r.send(ctx, r.snapshots.Load(), c, t, message{id: r.instance + "_" + t.key})
	test := dispatchapy.AlertTest{OK: out.err == "", To: out.to, Title: out.title, Detail: out.err, Duration: time.Since(start)}
	switch {
	case test.OK && len(out.refused) > 0:
		test.Detail = "not to everybody: " + refusals(out.refused)
	case test.OK:
		test.Detail = cmp.Or(out.said, "the mail server has taken it")
	}
	return test
}
