package dispatch

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/store"
)

// bubble runs a test with a started gateway under the fake clock. A goroutine
// that outlives Stop makes synctest fail the test.
func bubble(t *testing.T, change func(*dispatchapy.Config), test func(t *testing.T, g *gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, change)
		g.Start()
		defer g.stop(time.Hour)
		test(t, g)
	})
}

func wantStatus(t *testing.T, g *gateway, id int64, want dispatchapy.Status) {
	t.Helper()
	synctest.Wait()
	if got := g.store.task(id).Status; got != want {
		t.Fatalf("task %d is %s, want %s", id, got, want)
	}
}

func TestDeliversToTheFirstResourceWithoutAClaim(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		synctest.Wait()
		before := g.store.claims
		id := g.submit(t, 1)
		wantStatus(t, g, id, dispatchapy.StatusSuccess)
		if got := g.providers.calls(); !slices.Equal(got, []string{`a {"n":1}`}) {
			t.Errorf("sent %q, want once to a", got)
		}
		if g.store.claims != before {
			t.Errorf("%d claims for a task that was inserted leased", g.store.claims-before)
		}
	})
}

func TestFailsOverAtOnce(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		g.providers.set("a", status(500))
		begin := time.Now()
		id := g.submit(t, 1)
		wantStatus(t, g, id, dispatchapy.StatusSuccess)
		attempts := g.store.attempts[id]
		if len(attempts) != 2 || attempts[0].ResourceID != 1 || attempts[1].ResourceID != 2 || attempts[1].Number != 2 {
			t.Errorf("attempts %+v, want a then b", attempts)
		}
		if time.Since(begin) != 0 {
			t.Errorf("failover took %v", time.Since(begin))
		}
	})
}

func TestRetriesLaterUntilTheBudgetIsSpent(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		g.providers.set("c", status(503))
		id := g.submit(t, 2)
		begin := time.Now()
		var at []time.Duration
		for range 5 {
			wantStatus(t, g, id, dispatchapy.StatusPending)
			time.Sleep(time.Until(g.store.task(id).RunAt))
			synctest.Wait()
			at = append(at, time.Since(begin))
			if g.store.task(id).Status.Finished() {
				break
			}
		}
		wantStatus(t, g, id, dispatchapy.StatusFailed)
		want := []time.Duration{3 * time.Second, 15 * time.Second, 63 * time.Second, 255 * time.Second}
		if !slices.Equal(at, want) {
			t.Errorf("attempts after %v, want %v", at, want)
		}
		if len(g.store.events) != 1 || g.store.events[0].Kind != dispatchapy.EventTaskFailed {
			t.Errorf("events %+v, want one task.failed", g.store.events)
		}
		if len(g.providers.keys) != 1 {
			t.Errorf("%d idempotency keys on five attempts at one resource", len(g.providers.keys))
		}
	})
}

func TestARefusalIsNotRepeated(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		g.providers.set("a", status(422))
		g.providers.set("b", status(500))
		id := g.submit(t, 1)
		wantStatus(t, g, id, dispatchapy.StatusPending)
		g.providers.set("b", status(200))
		time.Sleep(3 * time.Second)
		wantStatus(t, g, id, dispatchapy.StatusSuccess)
		var to []string
		for _, call := range g.providers.calls() {
			to = append(to, call[:1])
		}
		if !slices.Equal(to, []string{"a", "b", "b"}) {
			t.Errorf("sent to %v, want a only once", to)
		}
		attempts := g.store.attempts[1]
		for i, place := range []int{1, 2, 2} {
			if a := attempts[i]; a.Place != place || a.Routes != 2 {
				t.Errorf("attempt %d is at place %d of %d, want %d of 2", i+1, a.Place, a.Routes, place)
			}
		}
		if got, want := attempts[2].PassedOver, []dispatchapy.PassedOver{{ResourceID: 1, Why: "refused"}}; len(attempts[1].PassedOver) > 0 || !slices.Equal(got, want) {
			t.Errorf("passed over %v, then %v, want %v in the second round", attempts[1].PassedOver, got, want)
		}
	})
}

func TestRefusedByAllFails(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		g.providers.set("a", status(400))
		g.providers.set("b", status(404))
		id := g.submit(t, 1)
		wantStatus(t, g, id, dispatchapy.StatusFailed)
		if got := g.store.task(id); got.AttemptCount != 2 || !strings.HasPrefix(got.LastError, "refused by every resource") {
			t.Errorf("task %+v", got)
		}
	})
}

func TestWaitsWithoutSpendingAndLeavesOnRecovery(t *testing.T) {
	checked := func(cfg *dispatchapy.Config) {
		for i := range cfg.Resources {
			cfg.Resources[i].HealthCheck.Enabled = true
		}
	}
	bubble(t, checked, func(t *testing.T, g *gateway) {
		g.available.SetHealth(dispatchapy.Health{ResourceID: 1, State: dispatchapy.HealthDown})
		g.available.SetHealth(dispatchapy.Health{ResourceID: 2, State: dispatchapy.HealthDown})
		waiting, flowing := g.submit(t, 1), g.submit(t, 2)
		wantStatus(t, g, flowing, dispatchapy.StatusSuccess)
		time.Sleep(24 * time.Hour)
		wantStatus(t, g, waiting, dispatchapy.StatusPending)
		if got := g.store.task(waiting).AttemptCount; got != 0 {
			t.Errorf("%d attempts spent while nothing was available", got)
		}
		g.available.SetHealth(dispatchapy.Health{ResourceID: 2, State: dispatchapy.HealthUp})
		wantStatus(t, g, waiting, dispatchapy.StatusSuccess)
		if log := g.store.log[waiting]; !slices.Equal(log, []string{"going to b: a is down"}) {
			t.Errorf("log %q does not say why b was chosen", log)
		}
		if a := g.store.attempts[waiting][0]; a.Place != 2 || !slices.Equal(a.PassedOver, []dispatchapy.PassedOver{{ResourceID: 1, Why: "down"}}) {
			t.Errorf("attempt %+v does not say why b was chosen", a)
		}
	})
}

func TestAHangingLaneDoesNotDelayAnother(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		g.providers.set("a", func(ctx context.Context) deliver.Result {
			select {
			case <-time.After(15 * time.Second):
				return deliver.Result{Outcome: dispatchapy.OutcomeFailed, Error: dispatchapy.ErrorTimeout}
			case <-ctx.Done():
				return deliver.Result{Canceled: true}
			}
		})
		for range 3 * laneSlots {
			g.submit(t, 1)
		}
		synctest.Wait()
		if got := g.InFlight()[1]; got != laneSlots {
			t.Errorf("%d tasks of the hanging lane in flight, want %d", got, laneSlots)
		}
		for range 3 * laneSlots {
			id := g.submit(t, 2)
			wantStatus(t, g, id, dispatchapy.StatusSuccess)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := g.store.count(dispatchapy.StatusSuccess); got != 6*laneSlots {
			t.Errorf("%d delivered in the end, want all %d", got, 6*laneSlots)
		}
	})
}

func TestLeasesOfSlowTasksAreKept(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		g.providers.set("c", func(context.Context) deliver.Result {
			time.Sleep(10 * leaseFor)
			return status(200)(nil)
		})
		id := g.submit(t, 2)
		time.Sleep(11 * leaseFor)
		wantStatus(t, g, id, dispatchapy.StatusSuccess)
		if n := len(g.providers.calls()); n != 1 {
			t.Errorf("sent %d times, want once", n)
		}
	})
}

func TestTasksOfACrashedNodeAreResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		_, err := g.store.InsertTasks(t.Context(), []store.NewTask{{Submission: dispatchapy.Submission{EndpointID: 2, Source: []byte(`{}`), MaxAttempts: 5}, LeaseFor: leaseFor}})
		if err != nil {
			t.Fatal(err)
		}
		g.Start()
		defer g.stop(time.Hour)
		time.Sleep(leaseFor - time.Millisecond)
		wantStatus(t, g, 1, dispatchapy.StatusProcessing)
		time.Sleep(2 * time.Millisecond)
		wantStatus(t, g, 1, dispatchapy.StatusSuccess)
	})
}

func TestALostLeaseBreaksTheSendingOff(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		g.providers.set("c", hang)
		id := g.submit(t, 2)
		synctest.Wait()
		g.store.mu.Lock()
		g.store.fences[id]++ // another node has it
		g.store.tasks[id].RunAt = time.Now().Add(time.Hour)
		g.store.mu.Unlock()
		time.Sleep(leaseFor)
		synctest.Wait()
		if got := g.InFlight()[2]; got != 0 {
			t.Errorf("%d tasks still in flight", got)
		}
		if got := g.store.task(id).Status; got != dispatchapy.StatusProcessing {
			t.Errorf("the other node's task became %s", got)
		}
	})
}

func TestAfterStandingStillATaskIsNotSentBesideItself(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		release := make(chan struct{})
		g.providers.set("c", func(context.Context) deliver.Result { <-release; return status(200)(nil) })
		id := g.submit(t, 2)
		synctest.Wait()
		g.store.mu.Lock()
		g.store.tasks[id].RunAt = time.Now() // the lease ran out while nothing here ran
		g.store.mu.Unlock()
		g.Expect([]int64{2})
		synctest.Wait()
		if fence := g.store.fences[id]; fence != 2 {
			t.Fatalf("fence %d: the task was not claimed again", fence)
		}
		close(release)
		wantStatus(t, g, id, dispatchapy.StatusSuccess)
		if n := len(g.providers.calls()); n != 1 {
			t.Errorf("sent %d times, want once", n)
		}
		if n := g.InFlight()[2]; n != 0 {
			t.Errorf("%d slots leaked", n)
		}
	})
}

func TestStopGivesLeasesBackWithoutSpending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		g.Start()
		g.providers.set("a", status(500))
		g.providers.set("b", hang)
		id := g.submit(t, 1)
		synctest.Wait()
		g.stop(3 * time.Second)
		got := g.store.task(id)
		if got.Status != dispatchapy.StatusPending || got.AttemptCount != 1 || got.RunAt.After(time.Now()) {
			t.Errorf("task %+v, want pending, due, with the one finished attempt", got)
		}
		if _, err := g.Submit(t.Context(), dispatchapy.Submission{EndpointID: 1}); dispatchapy.ErrorCode(err) != dispatchapy.CodeUnavailable {
			t.Errorf("Submit after Stop: %v, want unavailable", err)
		}
	})
}

func TestStopLetsRunningDeliveriesFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		g.Start()
		g.providers.set("c", func(context.Context) deliver.Result {
			time.Sleep(2 * time.Second)
			return status(200)(nil)
		})
		id := g.submit(t, 2)
		synctest.Wait()
		g.stop(3 * time.Second)
		if got := g.store.task(id).Status; got != dispatchapy.StatusSuccess {
			t.Errorf("task is %s, want success", got)
		}
	})
}

func TestAnOutcomeIsRecordedWhenTheDiskRecovers(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		g.providers.set("c", func(context.Context) deliver.Result {
			g.store.setBroken(errDisk)
			return status(200)(nil)
		})
		id := g.submit(t, 2)
		time.Sleep(time.Minute)
		wantStatus(t, g, id, dispatchapy.StatusProcessing)
		_, err := g.Submit(t.Context(), dispatchapy.Submission{EndpointID: 1})
		if dispatchapy.ErrorCode(err) != dispatchapy.CodeUnavailable {
			t.Errorf("Submit on a full disk: %v, want unavailable", err)
		}
		g.store.setBroken(nil)
		time.Sleep(recordRetry)
		wantStatus(t, g, id, dispatchapy.StatusSuccess)
		if n := len(g.providers.calls()); n != 1 {
			t.Errorf("sent %d times, want once", n)
		}
		if got := g.InFlight(); got[1] != 0 || got[2] != 0 {
			t.Errorf("slots leaked: %v", got)
		}
	})
}

func TestABrokenResourceSpendsNothing(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		g.providers.set("c", status(500))
		const n = 100
		for range n {
			g.submit(t, 2)
			synctest.Wait()
		}
		if got := len(g.providers.calls()); got != 10 {
			t.Errorf("%d attempts before the breaker opened, want 10", got)
		}
		g.providers.set("c", status(200))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if got := g.store.count(dispatchapy.StatusSuccess); got != n {
			t.Errorf("%d delivered after recovery, want %d", got, n)
		}
	})
}

func TestConcurrencyLimitSendsTheOverflowToTheNext(t *testing.T) {
	limited := func(cfg *dispatchapy.Config) { cfg.Resources[0].Concurrency = 2 }
	bubble(t, limited, func(t *testing.T, g *gateway) {
		release := make(chan struct{})
		g.providers.set("a", func(context.Context) deliver.Result { <-release; return status(200)(nil) })
		for range 5 {
			g.submit(t, 1)
		}
		synctest.Wait()
		calls := g.providers.calls()
		slices.Sort(calls)
		if got := strings.Join(calls, ""); strings.Count(got, "a ") != 2 || strings.Count(got, "b ") != 3 {
			t.Errorf("sent %q, want two to a and three to b", calls)
		}
		close(release)
	})
}

func TestATaskThatWaitedTooLongIsNotSent(t *testing.T) {
	aged := func(cfg *dispatchapy.Config) {
		cfg.Settings.Retry.MaxAge = dispatchapy.Duration(time.Minute)
		cfg.Resources[2].HealthCheck.Enabled = true
	}
	bubble(t, aged, func(t *testing.T, g *gateway) {
		g.available.SetHealth(dispatchapy.Health{ResourceID: 3, State: dispatchapy.HealthDown})
		id := g.submit(t, 2)
		time.Sleep(2 * time.Minute)
		g.available.SetHealth(dispatchapy.Health{ResourceID: 3, State: dispatchapy.HealthUp})
		wantStatus(t, g, id, dispatchapy.StatusFailed)
		if got := g.store.task(id).LastError; got != "not delivered within 1m: no resource could take it" {
			t.Errorf("last error %q", got)
		}
		if n := len(g.providers.calls()); n != 0 {
			t.Errorf("sent %d times", n)
		}
	})
}

func TestTasksOfADeletedEndpointAreEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		if _, err := g.store.InsertTasks(t.Context(), []store.NewTask{{Submission: dispatchapy.Submission{EndpointID: 99, Source: []byte(`{}`), MaxAttempts: 5}}}); err != nil {
			t.Fatal(err)
		}
		g.Start()
		defer g.stop(time.Hour)
		wantStatus(t, g, 1, dispatchapy.StatusFailed)
		if got := g.store.task(1).LastError; got != "its endpoint was deleted" {
			t.Errorf("last error %q", got)
		}
	})
}

func TestDelayedAndHeldTasks(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		delayed, err := g.Submit(t.Context(), dispatchapy.Submission{EndpointID: 2, Source: []byte(`{}`), MaxAttempts: 5, Delay: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		held, err := g.Submit(t.Context(), dispatchapy.Submission{EndpointID: 2, Source: []byte(`{}`), MaxAttempts: 5, Hold: "held"})
		if err != nil || !held.Held {
			t.Fatalf("%+v, %v", held, err)
		}
		time.Sleep(time.Minute - time.Millisecond)
		wantStatus(t, g, delayed.TaskID, dispatchapy.StatusPending)
		time.Sleep(2 * time.Millisecond)
		wantStatus(t, g, delayed.TaskID, dispatchapy.StatusSuccess)
		time.Sleep(24 * time.Hour)
		wantStatus(t, g, held.TaskID, dispatchapy.StatusHeld)
	})
}

func TestWhatThisMachineCannotSendSpendsNothing(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		for _, name := range []string{"a", "b"} {
			g.providers.set(name, func(context.Context) deliver.Result {
				return deliver.Result{Outcome: dispatchapy.OutcomeFailed, NotSent: true, Detail: "too many open files"}
			})
		}
		id := g.submit(t, 1)
		time.Sleep(time.Minute)
		wantStatus(t, g, id, dispatchapy.StatusPending)
		if got := g.store.task(id).AttemptCount; got != 0 {
			t.Errorf("%d attempts spent", got)
		}
		if calls := g.providers.calls(); len(calls) < 50 || len(calls) > 130 || calls[1][0] != 'a' {
			t.Errorf("%d tries in a minute, the second at %q, want about two a second and no failover", len(calls), calls[1])
		}
		g.providers.set("a", status(200))
		time.Sleep(time.Second)
		wantStatus(t, g, id, dispatchapy.StatusSuccess)
	})
}

func TestOverridesAreLoggedOnce(t *testing.T) {
	rules := func(cfg *dispatchapy.Config) {
		cfg.Endpoints[1].Dev = dispatchapy.EndpointDev{Enabled: true, RulesEnabled: true, Rules: []dispatchapy.Rule{
			{Set: dispatchapy.Override{Param: "n", Value: []byte("2")}},
		}}
	}
	bubble(t, rules, func(t *testing.T, g *gateway) {
		g.providers.set("c", status(500))
		id := g.submit(t, 2)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		calls := g.providers.calls()
		if len(calls) < 2 || calls[0] != `c {"n":2}` {
			t.Errorf("sent %q, want the overridden payload", calls)
		}
		if log := g.store.log[id]; len(log) != 1 || !strings.Contains(log[0], "n") {
			t.Errorf("log %q, want one line about n", log)
		}
		if got := string(g.store.task(id).Source); got != `{"n":1}` {
			t.Errorf("source became %s", got)
		}
	})
}

func TestThoseWhoWatchAreToldOfEveryStep(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		delivered := g.submit(t, 1)
		wantStatus(t, g, delivered, dispatchapy.StatusSuccess)
		g.providers.set("c", status(500))
		retried := g.submit(t, 2)
		wantStatus(t, g, retried, dispatchapy.StatusPending)
		g.providers.set("c", status(200))
		time.Sleep(3 * time.Second)
		wantStatus(t, g, retried, dispatchapy.StatusSuccess)
		held, err := g.Submit(t.Context(), dispatchapy.Submission{EndpointID: 1, ClientID: 1, Source: []byte(`{}`), MaxAttempts: 1, Hold: "for the test"})
		if err != nil {
			t.Fatal(err)
		}
		for id, want := range map[int64][]string{
			delivered: {"sending", "delivered"}, retried: {"sending", "retrying", "sending", "delivered"}, held.TaskID: {"held"},
		} {
			if got := g.changes.states(dispatchapy.ChangeTask, id); !slices.Equal(got, want) {
				t.Errorf("of task %d they heard %v, want %v", id, got, want)
			}
		}
		if got := g.changes.states(dispatchapy.ChangeHeld, 0); len(got) != 1 {
			t.Errorf("of held ones they heard %d times, want once", len(got))
		}
		g.providers.set("c", status(500))
		for range 10 {
			g.submit(t, 2)
		}
		synctest.Wait()
		if got := g.changes.states(dispatchapy.ChangeResource, 3); !slices.Equal(got, []string{"open"}) {
			t.Errorf("of a resource that fails they heard %v", got)
		}
		if first := g.changes.all[0]; first.ClientID != 1 || first.EndpointID != 1 {
			t.Errorf("%+v does not say whose it is", first)
		}
	})
}
