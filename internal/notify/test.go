package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// PreviewAlert words what a channel would say if a resource had gone down now.
// Nothing is sent. resource is whose own notice the channel is; nil: nobody's.
func (r *Runner) PreviewAlert(c *dispatchapy.Channel, resource *dispatchapy.Resource) dispatchapy.AlertPreview {
	t := r.example(time.Now(), resource, "HTTP 503 Service Unavailable")
	t.matters[0].IncidentID = 17
	if c.Webhook == nil {
		l := t.email(c.Email)
		return dispatchapy.AlertPreview{Subject: l.subject, Text: l.text}
	}
	n := *c.Webhook
	n.Secrets = make(map[string]dispatchapy.Secret, len(c.Webhook.Secrets))
	for name := range c.Webhook.Secrets {
		n.Secrets[name] = dispatchapy.Redacted
	}
	out := dispatchapy.AlertPreview{URL: target(&n).URL}
	var err error
	if out.Body, err = t.payload(&n); err != nil {
		out.Refusal = err.Error()
	}
	return out
}

// example tells that a resource is down, and nothing else.
func (r *Runner) example(now time.Time, resource *dispatchapy.Resource, why string) *telling {
	e := store.EventDetail{Resource: "example", OpenedAt: now}
	e.Kind, e.At, e.Detail, e.ResourceID = dispatchapy.EventResourceDown, now, why, 1
	w := r.world(r.snapshots.Load(), now)
	w.address = func(int64) string { return "https://example.com/" }
	if resource != nil {
		e.Resource, e.ResourceID = resource.Name, resource.ID
		w.address = func(int64) string { return resource.URL }
	}
	d := &store.NotificationDetail{Events: []store.EventDetail{e}}
	d.Notification.Events = 1
	return tell(w, d)
}

// TestAlert sends a test message through a channel at once: what it would say if
// a resource had gone down now, marked as a test. resource is whose own notice
// the channel is; nil: nobody's.
func (r *Runner) TestAlert(ctx context.Context, c *dispatchapy.Channel, resource *dispatchapy.Resource) dispatchapy.AlertTest {
	start := time.Now()
	t := r.example(start, resource, "this is a test, and nothing is down")
	t.test, t.key = true, "test-"+rand.Text()
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
