package notify

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/mail"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

const (
	attemptFor = time.Minute      // one may take; what is longer is cut off
	quietLook  = 15 * time.Minute // at quiet hours: they may be changed meanwhile
	maxAnswer  = 200              // characters of an answer that are kept
)

// Mailer hands mails to mail servers. Its errors are worded for people and hold
// no secrets.
type Mailer interface {
	SendToSome(ctx context.Context, server dispatchapy.SMTP, m mail.Message) ([]mail.Refusal, error)
}

// Poster makes requests, and decides where they may lead.
type Poster interface {
	Do(ctx context.Context, t *deliver.Target, key string, body []byte) deliver.Result
}

// attempt sends a notification, unless nobody is to be told right now.
//
// Failure policy: what cannot be sent is tried again for a day, whatever the
// reason: settings can be mended as well as servers.
func (r *Runner) attempt(ctx context.Context, l *store.LeasedNotification) store.NotificationOutcome {
	snapshot := r.snapshots.Load()
	o := store.NotificationOutcome{ID: l.Notification.ID, Fence: l.Fence}
	c, why := channelOf(snapshot, l.Notification.Channel)
	if why != "" {
		o.Status, o.Error, o.Entry = dispatchapy.NotificationDropped, why, "not told: "+why
		return o
	}
	now := time.Now()
	if end := c.QuietUntil(l.Notification.Severity, now); !end.IsZero() {
		o.Status, o.Error, o.RetryIn = dispatchapy.NotificationPending, "quiet hours until "+instant(end), min(end.Sub(now), quietLook)
		return o
	}
	ctx, cancel := context.WithTimeout(ctx, attemptFor)
	defer cancel()
	t := tell(r.world(snapshot, now), &l.NotificationDetail)
	sent := r.send(ctx, snapshot, &c, t, message{id: r.messageID(&l.Notification), rest: l.Rest})
	if l.Notification.Channel.Name == "" {
		sent.to += " (its own notice)"
	} else {
		sent.to += fmt.Sprintf(" (channel %q)", c.Name)
	}
	return decide(l, &c, &sent, r.random())
}

// world gives what messages say of this gateway.
func (r *Runner) world(s *routing.Snapshot, now time.Time) world {
	base := strings.TrimRight(s.Config.Settings.Alerts.BaseURL, "/")
	w := world{gateway: r.host, base: base, now: now, address: func(id int64) string {
		if res := s.ResourceByID(id); res != nil {
			return res.URL
		}
		return ""
	}}
	if _, host, found := strings.Cut(base, "://"); found {
		w.gateway = host
	}
	return w
}

// message is what is said of a message beside its content.
type message struct {
	id   string   // the same as long as it says the same
	rest []string // the recipients that are left; nil: all
}

// messageID names what a notification says: it tells of ever more events, but
// never of others.
func (r *Runner) messageID(n *dispatchapy.Notification) string {
	return fmt.Sprintf("%s_%d_%d", r.instance, n.ID, n.Events)
}

func (r *Runner) send(ctx context.Context, s *routing.Snapshot, c *dispatchapy.Channel, t *telling, m message) result {
	if c.Webhook != nil {
		return r.post(ctx, c.Webhook, t, m)
	}
	return r.mail(ctx, s.Config.Settings.SMTP, c.Email, t, m)
}

func (r *Runner) mail(ctx context.Context, server *dispatchapy.SMTP, n *dispatchapy.EmailNotice, t *telling, m message) result {
	to := n.To
	if m.rest != nil {
		to = m.rest
	}
	l := t.email(n)
	out := result{title: l.subject, to: "email to " + cut(strings.Join(to, ", "), maxReason)}
	if server == nil {
		out.err = "there is no mail server in the settings (smtp)"
		return out
	}
	var err error
	out.refused, err = r.mailer.SendToSome(ctx, *server, mail.Message{
		To: to, Subject: l.subject, Body: l.text, HTML: l.html, ID: m.id + "@" + domainOf(server.From),
	})
	if err != nil {
		known, ok := errors.AsType[*mail.Error](err)
		out.undecided = ok && known.Fault == mail.FaultCanceled
		out.err = cut(err.Error(), maxReason)
	}
	if len(out.refused) > 0 {
		out.to = "email to " + cut(strings.Join(without(to, out.refused), ", "), maxReason)
	}
	return out
}

func without(to []string, refused []mail.Refusal) []string {
	no := make(map[string]bool, len(refused))
	for _, r := range refused {
		no[r.To] = true
	}
	var out []string
	for _, address := range to {
		if !no[address] {
			out = append(out, address)
		}
	}
	return out
}

// domainOf gives the domain of a sender.
func domainOf(from string) string {
	if address, err := netmail.ParseAddress(from); err == nil {
		if at := strings.LastIndex(address.Address, "@"); at >= 0 {
			return address.Address[at+1:]
		}
	}
	return "dispatchapy.invalid"
}

func (r *Runner) post(ctx context.Context, n *dispatchapy.WebhookNotice, t *telling, m message) result {
	where := target(n)
	out := result{title: cut(t.all()["title"], maxSubject), to: "webhook to " + hostOf(where)}
	body, err := t.payload(n)
	if err != nil {
		out.err = err.Error()
		return out
	}
	key, err := n.SigningKey()
	if err != nil {
		out.err = err.Error()
		return out
	}
	sign(where.Header, key, m.id, time.Now(), body)
	if t.test {
		where.Header.Set("X-Dispatchapy-Test", "true")
	}
	answer := r.poster.Do(ctx, where, m.id, body)
	out.retryAfter = answer.RetryAfter
	out.undecided = answer.Canceled || answer.NotSent
	if answer.Outcome != dispatchapy.OutcomeDelivered {
		out.err = said(n, &answer, answer.Detail)
		return out
	}
	out.said = said(n, &answer, fmt.Sprintf("HTTP %d", answer.StatusCode))
	return out
}

// said adds the beginning of an answer to what is known of it. Many servers
// repeat the address or a header of what they refuse: whoever reads that must
// not find the webhook's secrets in it.
func said(n *dispatchapy.WebhookNotice, answer *deliver.Result, words string) string {
	text := strings.ToValidUTF8(string(answer.Body), "?")
	for _, secret := range secretsOf(n) {
		text = strings.ReplaceAll(text, secret, string(dispatchapy.Redacted))
	}
	if body := strings.Fields(text); len(body) > 0 {
		words += ": " + cut(strings.Join(body, " "), maxAnswer)
	}
	return words
}

// secretsOf lists what must not be read in the answer to a webhook, the longest
// first, because one may be within another. What is shorter than leastSecret
// could be found by chance.
func secretsOf(n *dispatchapy.WebhookNotice) []string {
	const leastSecret = 4 // bytes
	var out []string
	add := func(secret string) {
		if len(secret) >= leastSecret {
			out = append(out, secret)
		}
	}
	for _, secret := range n.Secrets {
		text := secret.Reveal()
		add(text)
		add(url.QueryEscape(text))
		add((&url.URL{Path: text}).EscapedPath())
		add(strings.ReplaceAll(text, "/", `\/`)) // as some write JSON
	}
	for name, value := range n.Headers {
		if !dispatchapy.SecretName(name) {
			continue // it means something in any answer, like Accept
		}
		add(value.Reveal())
		if _, token, found := strings.Cut(value.Reveal(), " "); found { // behind "Bearer"
			add(token)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out
}

// hostOf names where a webhook goes, without what may be secret.
func hostOf(t *deliver.Target) string {
	addr, err := t.Addr()
	if err != nil {
		return "nowhere"
	}
	return strings.TrimSuffix(strings.TrimSuffix(addr, ":443"), ":80")
}

// instanceName tells the messages of one gateway from those of others.
func instanceName(key [32]byte) string { return hex.EncodeToString(key[:6]) }
