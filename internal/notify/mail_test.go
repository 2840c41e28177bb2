package notify_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

func ops(to ...string) dispatchapy.Channel {
	return dispatchapy.Channel{Name: "ops", Email: &dispatchapy.EmailNotice{To: to}}
}

// begin starts a gateway with a mail server that ends with the test.
func begin(t *testing.T, p *postOffice, channels ...dispatchapy.Channel) *gateway {
	t.Helper()
	c := config(channels...)
	c.Settings.SMTP = p.settings()
	g := open(t, c)
	g.roots = p.roots
	g.start()
	t.Cleanup(func() { g.stop(); g.close() })
	return g
}

func (g *gateway) sent(n int) func() bool {
	return func() bool {
		got := g.statuses()
		return len(got) == n && !slices.ContainsFunc(got, func(s dispatchapy.NotificationStatus) bool { return s != dispatchapy.NotificationSent })
	}
}

func TestPeopleAreToldByEmail(t *testing.T) {
	for name, change := range map[string]func(*postOffice){
		"in the clear":       func(*postOffice) {},
		"starttls":           func(p *postOffice) { p.plain = false },
		"tls and login":      func(p *postOffice) { p.plain, p.implicit, p.login = false, true, true },
		"starttls and login": func(p *postOffice) { p.plain, p.login = false, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openOffice(t, change)
			g := begin(t, p, ops("ops@to.example", "On Call <call@to.example>"))
			g.check(sms, false)
			eventually(t, "it is sent", g.sent(1))
			mails := p.mails()
			if len(mails) != 1 || !slices.Equal(mails[0].to, []string{"ops@to.example", "call@to.example"}) || mails[0].tls == p.plain || (mails[0].user == "gw") != p.login {
				t.Fatalf("%+v", mails)
			}
			if mails[0].subject != `Dispatchapy Alert: Resource "sms" is DOWN` || !strings.HasSuffix(mails[0].id, "_1_1@sender.example>") || !strings.Contains(mails[0].data, "text/html") {
				t.Errorf("%s %s\n%s", mails[0].subject, mails[0].id, mails[0].data)
			}
			n := g.notifications()[0]
			if n.Title != mails[0].subject || n.Attempts != 1 || n.LastError != "" || n.FinishedAt.IsZero() {
				t.Errorf("%+v", n)
			}
			d, err := g.store.Incident(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			last := d.Timeline[len(d.Timeline)-1]
			if last.Kind != dispatchapy.EntryNotified || last.Detail != `told: email to ops@to.example, On Call <call@to.example> (channel "ops")` {
				t.Errorf("timeline: %+v", last)
			}
		})
	}
}

// What the mail server says is there for whoever looks, and what can be mended
// is tried again.
func TestARefusedLoginIsMended(t *testing.T) {
	t.Parallel()
	p := openOffice(t, func(p *postOffice) { p.plain, p.login = false, true })
	c := config(ops("ops@to.example"))
	c.Settings.SMTP = p.settings()
	c.Settings.SMTP.Password = "hush-wrong"
	g := open(t, c)
	g.roots = p.roots
	g.start()
	t.Cleanup(func() { g.stop(); g.close() })
	g.check(sms, false)
	eventually(t, "it is refused", func() bool { n := g.notifications(); return len(n) == 1 && n[0].Attempts == 1 })
	n := g.notifications()[0]
	if n.Status != dispatchapy.NotificationPending || n.LastError != "the server refused username and password: 535 5.7.8 Authentication failed" {
		t.Errorf("%+v", n)
	}
	d, err := g.store.Incident(t.Context(), 1)
	if err != nil || !strings.HasPrefix(d.Timeline[len(d.Timeline)-1].Detail, "not told yet: email to ops@to.example") {
		t.Errorf("%+v, %v", d.Timeline, err)
	}
	mended := config(ops("ops@to.example"))
	mended.Settings.SMTP = p.settings()
	g.configure(mended)
	g.retry()
	eventually(t, "it is sent", g.sent(1))
	if mails := p.mails(); len(mails) != 1 {
		t.Errorf("%+v", mails)
	}
}

func TestNoMailServer(t *testing.T) {
	t.Parallel()
	g := open(t, config(ops("ops@to.example")))
	g.start()
	t.Cleanup(func() { g.stop(); g.close() })
	g.check(sms, false)
	eventually(t, "it fails", func() bool { n := g.notifications(); return len(n) == 1 && n[0].Attempts == 1 })
	if n := g.notifications()[0]; n.Status != dispatchapy.NotificationPending || n.LastError != "there is no mail server in the settings (smtp)" {
		t.Errorf("%+v", n)
	}
}

// A server that asks to come later gets the mail later.
func TestAMailServerThatIsBusy(t *testing.T) {
	t.Parallel()
	p := openOffice(t)
	p.set(nil, func() error {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
	})
	g := begin(t, p, ops("ops@to.example"))
	g.check(sms, false)
	eventually(t, "it is put off", func() bool { n := g.notifications(); return len(n) == 1 && n[0].Attempts == 1 })
	p.set(nil, nil)
	g.retry()
	eventually(t, "it is sent", g.sent(1))
	if mails := p.mails(); len(mails) != 1 {
		t.Errorf("%+v", mails)
	}
}

// One recipient keeps the message from no other, and gets it by itself when it
// can be had.
func TestOneRecipientIsRefused(t *testing.T) {
	t.Parallel()
	p := openOffice(t)
	p.set(func(to string) error {
		switch to {
		case "gone@to.example":
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		case "full@to.example":
			return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
		}
		return nil
	}, nil)
	g := begin(t, p, ops("gone@to.example", "ops@to.example", "full@to.example"))
	g.check(sms, false)
	eventually(t, "some have it", func() bool { n := g.notifications(); return len(n) == 1 && n[0].Attempts == 1 })
	if n := g.notifications()[0]; n.LastError != "gone@to.example: 550 5.1.1 no such user; full@to.example: 452 4.2.2 mailbox full" {
		t.Errorf("%+v", n)
	}
	g.check(chat, false) // another matter is told to all of them
	p.set(nil, nil)
	eventually(t, "the other matter is told", func() bool { return len(p.mails()) >= 2 })
	g.retry()
	eventually(t, "all are sent", g.sent(2))
	var got []string
	for _, m := range p.mails() {
		got = append(got, fmt.Sprintf("%v %s", m.to, m.subject))
	}
	slices.Sort(got)
	want := []string{
		`[full@to.example] Dispatchapy Alert: Resource "sms" is DOWN`, `[gone@to.example ops@to.example full@to.example] Dispatchapy Alert: Resource "chat" is DOWN`,
		`[ops@to.example] Dispatchapy Alert: Resource "sms" is DOWN`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if mails := p.mails(); mails[0].id == "" || !slices.ContainsFunc(mails[1:], func(m arrival) bool { return m.id == mails[0].id }) {
		t.Error("the same message has two ids")
	}
}

// A mail server that is slow holds up no webhook.
func TestASlowChannelHoldsUpNobody(t *testing.T) {
	t.Parallel()
	slow := make(chan struct{})
	p := openOffice(t)
	p.set(nil, func() error { <-slow; return nil })
	var calls atomic.Int32
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(hook.Close)
	channels := []dispatchapy.Channel{{Name: "chat", Webhook: &dispatchapy.WebhookNotice{URL: hook.URL}}}
	for i := range 6 { // more than there are places
		channels = append(channels, dispatchapy.Channel{Name: fmt.Sprint("mail", i), Email: &dispatchapy.EmailNotice{To: []string{"a@to.example"}}})
	}
	g := begin(t, p, channels...)
	g.check(sms, false)
	g.check(chat, false)
	eventually(t, "the webhooks are called, and only the mails wait", func() bool {
		waiting, err := g.store.NotificationBacklog(t.Context())
		return err == nil && calls.Load() == 2 && waiting.Waiting == 6
	})
	close(slow)
	eventually(t, "the mails are sent", g.sent(8))
	if n := len(p.mails()); n != 6 {
		t.Errorf("%d mails, each with both matters, want 6", n)
	}
}

// What happens at about the same time is told in one mail.
func TestManyEventsAreOneMail(t *testing.T) {
	t.Parallel()
	p := openOffice(t)
	g := begin(t, p, ops("ops@to.example"))
	g.check(sms, false)
	g.check(chat, false)
	g.check(sms, true)
	g.happen(dispatchapy.Event{Kind: dispatchapy.EventEndpointDown, EndpointID: send, IncidentID: 99, Detail: "all its resources are down"})
	eventually(t, "it is sent", g.sent(1))
	mails := p.mails()
	if len(mails) != 1 || mails[0].subject != `Dispatchapy Alert: Endpoint "send" is DOWN, and 2 more` {
		t.Fatalf("%+v", mails)
	}
	for _, want := range []string{"is UP again", "is DOWN", "all its resources are down"} {
		if !strings.Contains(mails[0].data, want) {
			t.Errorf("%q is missing in\n%s", want, mails[0].data)
		}
	}
	told, err := g.store.Told(t.Context(), []int64{1, 2, 3, 4})
	if err != nil || len(told) != 4 {
		t.Errorf("%+v, %v", told, err)
	}
}

// A channel that is taken away while something waits is no secret.
func TestAChannelThatIsGone(t *testing.T) {
	t.Parallel()
	p := openOffice(t)
	g := begin(t, p, ops("ops@to.example"))
	g.check(sms, false)
	eventually(t, "it is planned", func() bool { return len(g.notifications()) == 1 })
	g.configure(config())
	eventually(t, "it is dropped", func() bool { return g.notifications()[0].Status == dispatchapy.NotificationDropped })
	if n := g.notifications()[0]; n.LastError != `there is no channel "ops" any more` || n.Attempts != 0 {
		t.Errorf("%+v", n)
	}
	d, err := g.store.Incident(t.Context(), 1)
	if err != nil || d.Timeline[len(d.Timeline)-1].Detail != `not told: there is no channel "ops" any more` {
		t.Errorf("%+v, %v", d.Timeline, err)
	}
}
