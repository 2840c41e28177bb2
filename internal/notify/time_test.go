package notify_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/health"
	"dispatchapy/internal/store"
)

// poster takes webhooks without a network, which a fake clock knows nothing of.
type poster struct {
	mu     sync.Mutex
	posts  []post
	answer func(n int) deliver.Result // of the number of the request, from 1; nil: it is taken
}

type post struct {
	at   time.Time
	id   string
	body string
}

func (p *poster) Do(ctx context.Context, _ *deliver.Target, key string, body []byte) deliver.Result {
	p.mu.Lock()
	p.posts = append(p.posts, post{time.Now(), key, string(body)})
	n, answer := len(p.posts), p.answer
	p.mu.Unlock()
	if answer == nil {
		return deliver.Result{Outcome: dispatchapy.OutcomeDelivered, StatusCode: http.StatusOK}
	}
	return answer(n)
}

func (p *poster) got() []post {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.posts)
}

func refused(int) deliver.Result {
	return deliver.Result{Outcome: dispatchapy.OutcomeFailed, Error: dispatchapy.ErrorRefused, Detail: "connection refused"}
}

func chatChannel(change ...func(*dispatchapy.Channel)) dispatchapy.Channel {
	c := dispatchapy.Channel{Name: "chat", Webhook: &dispatchapy.WebhookNotice{URL: "http://chat.example/", Payload: []byte(`{"text": "{title}: {reason}"}`)}}
	for _, f := range change {
		f(&c)
	}
	return c
}

// The mail server is down for ten minutes. Each event is told once, in the order
// in which they happened, and none is lost.
func TestAnOutageOfTheMailServer(t *testing.T) {
	p := openOffice(t)
	// It waits for connections, and is opened and closed outside of the bubble.
	orders, done := make(chan func()), make(chan struct{})
	go func() {
		for do := range orders {
			do()
			done <- struct{}{}
		}
	}()
	t.Cleanup(func() { close(orders) })
	outside := func(do func()) { orders <- do; <-done }
	synctest.Test(t, func(t *testing.T) {
		c := config(ops("ops@to.example"))
		c.Settings.SMTP = p.settings()
		g := open(t, c)
		g.roots = p.roots
		g.start()
		outside(p.close)
		for i := range 20 { // every 30 seconds something happens
			g.happen(dispatchapy.Event{Kind: dispatchapy.EventEndpointDown, EndpointID: send, IncidentID: int64(i + 1), Detail: fmt.Sprintf("cause number %d.", i)})
			time.Sleep(30 * time.Second)
		}
		if mails := p.mails(); len(mails) != 0 {
			t.Errorf("a server that is down got %d mails", len(mails))
		}
		outside(func() { p.reopen(t) })
		time.Sleep(16 * time.Minute) // the longest wait
		synctest.Wait()
		mails := p.mails()
		all := ""
		for _, m := range mails {
			all += m.data
		}
		for i := range 20 {
			// Once in the text, once in the page.
			if n := strings.Count(all, fmt.Sprintf("cause number %d.", i)); n != 2 {
				t.Errorf("event %d was told %d times", i, n)
			}
		}
		if len(mails) != 1 {
			t.Errorf("%d mails, want one for all", len(mails))
		}
		if !g.sent(1)() {
			t.Errorf("%v", g.notifications())
		}
		g.stop()
		g.close()
	})
}

// A process ends between sending and recording: the message is sent once more,
// under the same id, and not before the lease has run out. Nothing is lost.
func TestACrashBetweenSendAndRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &poster{}
		g := open(t, config(chatChannel()))
		g.poster = c
		failed := make(chan struct{})
		g.alter = func(s notifyStore) notifyStore { return &forgetful{Store: s, broken: true, failed: failed} }
		g.start()
		begun := time.Now()
		g.check(sms, false)
		<-failed
		dead, cancel := context.WithCancel(t.Context())
		cancel()
		g.runner.Stop(dead)
		if len(c.got()) != 1 || !slices.Equal(g.statuses(), []dispatchapy.NotificationStatus{dispatchapy.NotificationProcessing}) {
			t.Fatalf("before the crash: %+v, %v", c.got(), g.statuses())
		}
		g.alter = nil
		g.start()
		g.check(chat, false) // another matter comes in between, and has its own id
		time.Sleep(time.Hour)
		posts := c.got()
		if len(posts) != 3 || posts[0].body != posts[1].body || posts[0].id != posts[1].id || posts[2].id == posts[0].id {
			t.Fatalf("%+v", posts)
		}
		if again := posts[1].at.Sub(begun); again < 2*time.Minute || again > 3*time.Minute {
			t.Errorf("sent again after %s", again)
		}
		if !g.sent(2)() {
			t.Errorf("%v", g.notifications())
		}
		g.stop()
		g.close()
	})
}

// While the store cannot be written the outcome is kept, for longer than the
// lease, and nothing is sent again.
func TestAnOutageOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &poster{}
		g := open(t, config(chatChannel()))
		g.poster = c
		var s *forgetful
		g.alter = func(inner notifyStore) notifyStore { s = &forgetful{Store: inner, broken: true}; return s }
		g.start()
		g.check(sms, false)
		time.Sleep(time.Hour)
		s.mend()
		time.Sleep(time.Hour)
		if len(c.got()) != 1 || !g.sent(1)() {
			t.Errorf("%+v, %v", c.got(), g.notifications())
		}
		g.stop()
		g.close()
	})
}

// A receiver that is gone for a day is given up, with an entry for people; what
// happens after that is tried for another day.
func TestGivenUpAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &poster{answer: refused}
		g := open(t, config(chatChannel()))
		g.poster = c
		g.start()
		g.check(sms, false)
		time.Sleep(25 * time.Hour)
		n := g.notifications()[0]
		if n.Status != dispatchapy.NotificationFailed || n.Attempts < 90 || n.Attempts > 120 || n.LastError != "connection refused" {
			t.Errorf("%+v", n)
		}
		posts := c.got()
		if last := posts[len(posts)-1].at.Sub(posts[0].at); last > 24*time.Hour || last < 23*time.Hour {
			t.Errorf("tried for %s", last)
		}
		g.check(sms, true)
		time.Sleep(time.Hour)
		if got := g.statuses(); !slices.Equal(got, []dispatchapy.NotificationStatus{dispatchapy.NotificationFailed, dispatchapy.NotificationPending}) {
			t.Errorf("%v", got)
		}
		g.stop()
		g.close()
	})
}

// What comes while a message waits for its next attempt is told with it, and
// does not bring that attempt forward.
func TestWhatComesWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &poster{answer: func(n int) deliver.Result {
			if n < 5 {
				return refused(n)
			}
			return deliver.Result{Outcome: dispatchapy.OutcomeDelivered}
		}}
		g := open(t, config(chatChannel()))
		g.poster = c
		g.start()
		g.check(sms, false)
		time.Sleep(100 * time.Second) // after attempts at 1, 11, 31 and 71 s
		g.check(sms, true)
		time.Sleep(time.Hour)
		posts := c.got()
		if len(posts) != 5 || posts[4].at.Sub(posts[0].at).Round(time.Second) != 150*time.Second {
			t.Fatalf("%+v", posts)
		}
		if posts[3].id == posts[4].id || !strings.Contains(posts[4].body, "is UP again: it answers") {
			t.Errorf("%+v", posts[3:])
		}
		g.stop()
		g.close()
	})
}

// At night only what is critical is told; the rest in the morning, in one
// message. The bubble begins on a Saturday at midnight UTC.
func TestQuietHoursHoldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &poster{}
		g := open(t, config(chatChannel(func(c *dispatchapy.Channel) {
			c.GroupBy = dispatchapy.GroupByChannel
			c.Quiet = []dispatchapy.QuietHours{{From: "22:00", Until: "07:00", Timezone: "Asia/Jakarta"}} // until midnight UTC
		})))
		g.poster = c
		g.start()
		morning := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		evening := morning.Add(15 * time.Hour)
		time.Sleep(time.Until(evening.Add(time.Minute)))
		g.check(sms, false)
		time.Sleep(time.Hour)
		g.check(chat, false)
		time.Sleep(time.Hour)
		if posts := c.got(); len(posts) != 0 {
			t.Fatalf("at night: %+v", posts)
		}
		if n := g.notifications()[0]; n.Attempts != 0 || n.LastError != "quiet hours until 2000-01-02 00:00:00 UTC" {
			t.Errorf("%+v", n)
		}
		time.Sleep(time.Until(morning.Add(24*time.Hour + time.Second)))
		synctest.Wait()
		posts := c.got()
		if len(posts) != 1 || !strings.Contains(posts[0].body, ", and 1 more") || posts[0].at.Sub(morning) != 24*time.Hour {
			t.Fatalf("in the morning: %+v", posts)
		}
		time.Sleep(time.Until(evening.Add(25 * time.Hour)))
		g.check(chat, true)
		time.Sleep(time.Minute)
		g.happen(dispatchapy.Event{Kind: dispatchapy.EventEndpointDown, EndpointID: send, IncidentID: 77, Detail: "all its resources are down"})
		time.Sleep(time.Minute)
		if posts = c.got(); len(posts) != 2 || !strings.Contains(posts[1].body, "Endpoint") {
			t.Errorf("critical at night: %+v", posts)
		}
		g.stop()
		g.close()
	})
}

// What a person changes of the quiet hours holds for what waits already.
func TestQuietHoursAreChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &poster{}
		always := []dispatchapy.QuietHours{{From: "00:00", Until: "00:00"}}
		g := open(t, config(chatChannel(func(c *dispatchapy.Channel) { c.Quiet = always })))
		g.poster = c
		g.start()
		g.check(sms, false)
		time.Sleep(time.Hour)
		g.configure(config(chatChannel()))
		time.Sleep(16 * time.Minute)
		if posts := c.got(); len(posts) != 1 {
			t.Errorf("%+v", posts)
		}
		g.stop()
		g.close()
	})
}

// A resource that goes down and up every second for an hour is told of a few
// times, and when it is over.
func TestAFlappingResourceIsToldOfAFewTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := &poster{}, health.Policy{DownAfter: 1, UpAfter: 1, FlapChanges: 5, FlapWithin: 10 * time.Minute}
		conf := config(chatChannel())
		conf.Resources[0].Notify = &dispatchapy.Notify{Webhook: &dispatchapy.WebhookNotice{URL: "http://own.example/", Payload: []byte(`{"own": "{title}"}`)}}
		g := open(t, conf)
		g.poster = c
		g.start()
		state := dispatchapy.Health{ResourceID: sms, State: dispatchapy.HealthUp, Since: time.Now()}
		var incident int64 = 1
		changes := 0
		for second := range 3600 {
			ok := second%2 == 1
			var change health.Transition
			state, change = health.Evaluate(state, ok, time.Now(), p)
			if kind := map[health.Transition]dispatchapy.EventKind{
				health.WentDown: dispatchapy.EventResourceDown, health.CameUp: dispatchapy.EventResourceUp, health.StartedFlapping: dispatchapy.EventResourceFlapping,
			}[change]; kind != "" {
				changes++
				g.happen(dispatchapy.Event{Kind: kind, ResourceID: sms, IncidentID: incident, Detail: "x"})
				if change == health.CameUp {
					incident++
				}
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		during := len(c.got())
		if during == 0 || during > 14 {
			t.Errorf("%d messages while it flapped, through two channels", during)
		}
		time.Sleep(15 * time.Minute)
		state, change := health.Evaluate(state, true, time.Now(), p)
		if change != health.CameUp && change != health.WentDown {
			t.Fatalf("it ended with %v, %+v", change, state)
		}
		g.happen(dispatchapy.Event{Kind: dispatchapy.EventResourceUp, ResourceID: sms, IncidentID: incident, Detail: "does not change any more"})
		time.Sleep(time.Minute)
		if after := len(c.got()) - during; after != 2 {
			t.Errorf("%d messages at the end, want one through each", after)
		}
		g.stop()
		g.close()
	})
}

// Tasks that fail without end are told of every few minutes, with their number.
func TestAFloodIsToldOfInAFewMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &poster{}
		conf := config(chatChannel())
		conf.Settings.Alerts.TaskFailed.Enabled = new(true)
		g := open(t, conf)
		g.poster = c
		g.start()
		for i := range 600 {
			g.happen(dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, EndpointID: send, TaskID: int64(i + 1), Detail: "spent"})
			time.Sleep(time.Second)
		}
		time.Sleep(10 * time.Minute)
		if n := len(c.got()); n < 3 || n > 4 {
			t.Errorf("%d messages in 10 minutes", n)
		}
		told := 0
		for _, n := range g.notifications() {
			told += n.Events
		}
		if told != 600 || slices.Contains(g.statuses(), dispatchapy.NotificationPending) {
			t.Errorf("%d events were told of, %v", told, g.statuses())
		}
		g.stop()
		g.close()
	})
}

// brokenPlans fails to plan for a while.
type brokenPlans struct {
	notifyStore
	mu     sync.Mutex
	broken int
}

func (b *brokenPlans) PlanEvents(ctx context.Context, plans []store.EventPlan) ([]int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken--; b.broken >= 0 {
		return nil, errBroken
	}
	return b.notifyStore.PlanEvents(ctx, plans)
}

// Events that cannot be planned are planned when their lease has ended.
func TestPlanningFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &poster{}
		g := open(t, config(chatChannel()))
		g.poster = c
		g.alter = func(s notifyStore) notifyStore { return &brokenPlans{notifyStore: s, broken: 2} }
		g.start()
		g.check(sms, false)
		time.Sleep(5 * time.Minute)
		if len(c.got()) != 1 || !g.sent(1)() {
			t.Errorf("%+v, %v", c.got(), g.notifications())
		}
		g.stop()
		g.close()
	})
}
