package dispatch

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// slowly answers after a while, as a provider does.
func slowly(took time.Duration) func(context.Context) deliver.Result {
	return func(context.Context) deliver.Result {
		time.Sleep(took)
		return status(200)(nil)
	}
}

func TestALimitedResourceIsKeptBusyAndNothingIsTurnedAway(t *testing.T) {
	for name, limit := range map[string]func(*dispatchapy.Resource){
		"concurrency": func(r *dispatchapy.Resource) { r.Concurrency = 2 },
		"rate":        func(r *dispatchapy.Resource) { r.RateLimit = &dispatchapy.RateLimit{Requests: 20, Burst: 2} },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(cfg *dispatchapy.Config) { limit(&cfg.Resources[2]) }, func(t *testing.T, g *gateway) {
				const n = 42
				g.providers.set("c", slowly(100*time.Millisecond))
				for range n {
					go func() {
						if _, err := g.Submit(context.Background(), dispatchapy.Submission{EndpointID: 2, ClientID: 1, Source: []byte(`{}`), MaxAttempts: 5}); err != nil {
							t.Error(err)
						}
					}()
				}
				// Two at once for 0.1 s each, or two and then twenty a second.
				time.Sleep(n/2*100*time.Millisecond + 10*time.Millisecond)
				synctest.Wait()
				if got := g.store.count(dispatchapy.StatusSuccess); got != n {
					t.Errorf("%d of %d delivered in the time that the limit demands", got, n)
				}
				if g.store.outcomes() != n {
					t.Errorf("%d outcomes written for %d tasks: some were claimed for nothing", g.store.outcomes(), n)
				}
			})
		})
	}
}

func TestALimitSharedByEndpointsLosesNoTime(t *testing.T) {
	shared := func(cfg *dispatchapy.Config) {
		cfg.Resources[2].Concurrency = 1
		for i := range 4 {
			id := int64(10 + i)
			cfg.Endpoints = append(cfg.Endpoints, dispatchapy.Endpoint{ID: id, Path: fmt.Sprint("shared", id), Resources: []string{"c"}})
		}
	}
	bubble(t, shared, func(t *testing.T, g *gateway) {
		const n = 20
		g.providers.set("c", slowly(10*time.Millisecond))
		for i := range n {
			g.submit(t, int64(10+i%4))
		}
		time.Sleep(n*10*time.Millisecond + time.Millisecond)
		synctest.Wait()
		if got := g.store.count(dispatchapy.StatusSuccess); got != n {
			t.Errorf("%d of %d delivered one after the other", got, n)
		}
	})
}

func TestATaskThatIsTurnedAwayWritesNoLog(t *testing.T) {
	overridden := func(cfg *dispatchapy.Config) {
		cfg.Resources[1].HealthCheck.Enabled = true
		cfg.Endpoints[0].Dev = dispatchapy.EndpointDev{Enabled: true, RulesEnabled: true, Rules: []dispatchapy.Rule{
			{Set: dispatchapy.Override{Param: "n", Value: []byte("2")}},
		}}
	}
	bubble(t, overridden, func(t *testing.T, g *gateway) {
		g.available.SetHealth(dispatchapy.Health{ResourceID: 2, State: dispatchapy.HealthDown})
		_, err := g.store.InsertTasks(t.Context(), []store.NewTask{{Submission: dispatchapy.Submission{EndpointID: 1, Source: []byte(`{}`), MaxAttempts: 5}}})
		if err != nil {
			t.Fatal(err)
		}
		g.store.tasks[1].Refused = []int64{1} // of the two only b is left, which is down
		g.Expect([]int64{1})
		time.Sleep(time.Minute)
		wantStatus(t, g, 1, dispatchapy.StatusPending)
		if log := g.store.log[1]; len(log) != 0 {
			t.Errorf("%d lines in the log of a task that waits", len(log))
		}
	})
}

func TestManyTasksThatAreTurnedAwayComeBackSlowly(t *testing.T) {
	backupDown := func(cfg *dispatchapy.Config) { cfg.Resources[1].HealthCheck.Enabled = true }
	bubble(t, backupDown, func(t *testing.T, g *gateway) {
		g.available.SetHealth(dispatchapy.Health{ResourceID: 2, State: dispatchapy.HealthDown})
		g.providers.set("a", status(422))
		const n = 500
		for range n {
			g.submit(t, 1)
		}
		time.Sleep(10 * time.Second) // past the wait after the first round, in which a refused
		synctest.Wait()
		before := g.store.outcomes()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if per := (g.store.outcomes() - before) / 4; per > 550 {
			t.Errorf("%d outcomes a second for tasks that only wait", per)
		}
		g.available.SetHealth(dispatchapy.Health{ResourceID: 2, State: dispatchapy.HealthUp})
		time.Sleep(n*idlePace + time.Second)
		synctest.Wait()
		if got := g.store.count(dispatchapy.StatusSuccess); got != n {
			t.Errorf("%d of %d delivered by the backup after its recovery", got, n)
		}
	})
}

func TestALaneOnItsReserveIsWokenWhenTheNodeHasRoom(t *testing.T) {
	ls := newLanes()
	busy, small := ls.lane(1), ls.lane(2)
	ls.take(busy, nodeSlots-laneReserve)
	ls.take(small, laneReserve) // the node is full, and so is the reserve of this lane
	ls.expect(2, time.Now())
	able := func(int64) (int, time.Duration) { return routing.Unlimited, 0 }
	if claims, _ := ls.plan(time.Now(), able); len(claims) > 0 {
		t.Fatalf("claims %v on a full node", claims)
	}
	if !ls.free(1, 0) {
		t.Error("nobody is woken when the first slot of a full node becomes free")
	}
	if claims, _ := ls.plan(time.Now(), able); !slices.Equal(claims, []store.LaneClaim{{EndpointID: 2, Limit: 1, MaxBytes: laneBytes}}) {
		t.Errorf("claims %v, want one task of the lane that waits", claims)
	}
}

func TestAnOutcomeFollowsALeaseThatIsAdoptedMeanwhile(t *testing.T) {
	bubble(t, nil, func(t *testing.T, g *gateway) {
		g.store.onRecord = func() { // the claim comes between reading the lease and writing the outcome
			g.store.onRecord = nil
			g.store.mu.Lock()
			lease := g.store.lease(g.store.tasks[1], leaseFor).Lease
			g.store.mu.Unlock()
			if !g.leases.adopt(lease) {
				t.Error("the sending was over already")
			}
		}
		id := g.submit(t, 2)
		wantStatus(t, g, id, dispatchapy.StatusSuccess)
		if n := len(g.providers.calls()); n != 1 {
			t.Errorf("sent %d times, want once", n)
		}
	})
}

func unlimited() int { return routing.Unlimited }

func TestPayloadsInFlightAreBounded(t *testing.T) {
	ls := newLanes()
	able := func(int64) (int, time.Duration) { return routing.Unlimited, 0 }
	send := func(id, bytes int64) {
		t.Helper()
		if !ls.reserve(id, unlimited, time.Now()) {
			t.Fatalf("lane %d takes nothing", id)
		}
		ls.load(id, bytes)
	}
	send(1, laneBytes)
	if ls.reserve(1, unlimited, time.Now()) {
		t.Error("a lane took more than its share of bytes")
	}
	ls.expect(1, time.Now())
	if claims, _ := ls.plan(time.Now(), able); len(claims) > 0 {
		t.Errorf("claims %v for a lane at its share of bytes", claims)
	}
	send(2, nodeBytes) // whatever the others do, a lane may send one
	if ls.reserve(2, unlimited, time.Now()) {
		t.Error("a node at its limit of bytes took a second task of a lane")
	}
	send(3, 1)
	if !ls.free(2, nodeBytes) {
		t.Error("nobody is woken when the node has room for bytes again")
	}
	ls.free(1, laneBytes)
	claims, _ := ls.plan(time.Now(), able)
	if !slices.Equal(claims, []store.LaneClaim{{EndpointID: 1, Limit: laneSlots, MaxBytes: laneBytes}}) {
		t.Errorf("claims %v, want all of lane 1", claims)
	}
}
