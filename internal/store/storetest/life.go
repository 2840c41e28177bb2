package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var lifeCases = []testCase{
	{"InstanceKey", testInstanceKey},
	{"CheckWritable", testCheckWritable},
	{"ClosedStoreSaysSo", testClosed},
	{"CancelledCallersDoNoHarm", testCancelled},
	{"WatchTasks", testWatchTasks},
	{"WatchConfigAndHealth", testWatchOthers},
	{"WatchEnds", testWatchEnds},
}

func testNoLeak(t *testing.T, open Opener) {
	before := goleak.IgnoreCurrent()
	s := open(t)
	insertOne(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		_ = s.Watch(ctx, func(store.Hint) {})
	}()
	pages(t, s, store.TaskFilter{Text: "hello"}, 10)
	cancel()
	<-watching
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	goleak.VerifyNone(t, before)
}

func testInstanceKey(t *testing.T, s store.Store) {
	first, err := s.InstanceKey(t.Context())
	if err != nil || first == [32]byte{} {
		t.Fatalf("InstanceKey gives %x, %v", first, err)
	}
	second, err := s.InstanceKey(t.Context())
	if err != nil || second != first {
		t.Errorf("InstanceKey gives %x (%v), and before %x", second, err, first)
	}
}

func testCheckWritable(t *testing.T, s store.Store) {
	for range 3 {
		if err := s.CheckWritable(t.Context()); err != nil {
			t.Errorf("CheckWritable: %v", err)
		}
	}
}

// calls is every method that can fail, called with something harmless.
func calls(ctx context.Context, s store.Store) map[string]func() error {
	return map[string]func() error{
		"InsertTasks": func() error { _, err := s.InsertTasks(ctx, []store.NewTask{newTask()}); return err },
		"ClaimDue": func() error {
			_, err := s.ClaimDue(ctx, store.Claim{LeaseFor: longLease, Lanes: []store.LaneClaim{{EndpointID: endpointA, Limit: 1}}})
			return err
		},
		"ExtendLeases": func() error {
			_, err := s.ExtendLeases(ctx, []store.Lease{{TaskID: 1, Fence: 1}}, longLease)
			return err
		},
		"RecordOutcomes": func() error {
			_, err := s.RecordOutcomes(ctx, []store.Outcome{{Lease: store.Lease{TaskID: 1, Fence: 1}, Status: dispatchapy.StatusSuccess}})
			return err
		},
		"TransitionTasks": func() error {
			_, err := s.TransitionTasks(ctx, []int64{1}, store.Transition{Action: dispatchapy.ActionStop, By: "tester"})
			return err
		},
		"CountTasks":      func() error { _, err := s.CountTasks(ctx, []store.TaskFilter{{}}, 1); return err },
		"ForgetDeleted":   func() error { _, err := s.ForgetDeleted(ctx, 0, 1); return err },
		"ListPreferences": func() error { _, err := s.ListPreferences(ctx, store.ObjectRef{}); return err },
		"PutPreference":   func() error { _, err := s.PutPreference(ctx, store.ObjectRef{}, store.Preference{}); return err },
		"OldestTasks":     func() error { _, err := s.OldestTasks(ctx, store.TaskFilter{}, 1); return err },
		"Neighbours":      func() error { _, err := s.Neighbours(ctx, store.TaskFilter{}, 1); return err },
		"ListTasks":       func() error { _, err := s.ListTasks(ctx, store.TaskQuery{Limit: 1}); return err },
		"Search": func() error {
			_, err := s.ListTasks(ctx, store.TaskQuery{Filter: store.TaskFilter{Text: "text"}, Limit: 1})
			return err
		},
		"Task":              func() error { _, err := s.Task(ctx, 1); return err },
		"Backlog":           func() error { _, err := s.Backlog(ctx); return err },
		"Held":              func() error { _, err := s.Held(ctx); return err },
		"DeleteFinished":    func() error { _, err := s.DeleteFinished(ctx, 0, 1); return err },
		"DeleteExpiredKeys": func() error { _, err := s.DeleteExpiredKeys(ctx, 1); return err },
		"LoadConfig":        func() error { _, _, err := s.LoadConfig(ctx); return err },
		"ConfigVersion":     func() error { _, err := s.ConfigVersion(ctx); return err },
		"ApplyConfig":       func() error { _, _, err := s.ApplyConfig(ctx, store.ConfigUpdate{}); return err },
		"ObjectNames":       func() error { _, err := s.ObjectNames(ctx); return err },
		"ClaimProbes": func() error {
			_, err := s.ClaimProbes(ctx, store.ProbeClaim{LeaseFor: longLease, ResourceIDs: []int64{1}})
			return err
		},
		"RecordProbes": func() error {
			_, err := s.RecordProbes(ctx, []store.ProbeOutcome{probed(store.ProbeLease{Fence: 1}, 0)})
			return err
		},
		"LoadHealth":    func() error { _, err := s.LoadHealth(ctx); return err },
		"ListChecks":    func() error { _, err := s.ListChecks(ctx, 1, 0, 1); return err },
		"ListEvents":    func() error { _, err := s.ListEvents(ctx, store.EventQuery{Limit: 1}); return err },
		"Uptime":        func() error { _, err := s.Uptime(ctx, store.UptimeQuery{}); return err },
		"RecentChecks":  func() error { _, err := s.RecentChecks(ctx, nil); return err },
		"ListIncidents": func() error { _, err := s.ListIncidents(ctx, store.IncidentQuery{Limit: 1}); return err },
		"Incident":      func() error { _, err := s.Incident(ctx, 1); return err },
		"Repairs":       func() error { _, err := s.Repairs(ctx, dispatchapy.EventResourceDown, time.Time{}, nil); return err },
		"AnnotateIncident": func() error {
			_, err := s.AnnotateIncident(ctx, 1, store.Annotation{By: "tester", Note: "n"})
			return err
		},
		"AddIncidentEntries": func() error { return s.AddIncidentEntries(ctx, 1, nil) },
		"DeleteOldUptime":    func() error { _, err := s.DeleteOldUptime(ctx, time.Hour, 1); return err },
		"LoadConditions":     func() error { _, err := s.LoadConditions(ctx); return err },
		"RecordConditions": func() error {
			_, err := s.RecordConditions(ctx, []store.ConditionChange{{}})
			return err
		},
		"DeleteOldIncidents": func() error { _, err := s.DeleteOldIncidents(ctx, time.Hour, 1); return err },
		"ClaimEvents":        func() error { _, err := s.ClaimEvents(ctx, longLease, 1); return err },
		"PlanEvents":         func() error { _, err := s.PlanEvents(ctx, []store.EventPlan{{EventID: 1}}); return err },
		"ClaimNotifications": func() error {
			_, err := s.ClaimNotifications(ctx, store.NotificationClaim{LeaseFor: longLease, Limits: map[dispatchapy.Via]int{dispatchapy.ViaEmail: 1}})
			return err
		},
		"RecordNotifications": func() error {
			_, err := s.RecordNotifications(ctx, []store.NotificationOutcome{{ID: 1, Status: dispatchapy.NotificationSent}})
			return err
		},
		"ListNotifications":      func() error { _, err := s.ListNotifications(ctx, store.NotificationQuery{Limit: 1}); return err },
		"Notification":           func() error { _, err := s.Notification(ctx, 1); return err },
		"RetryNotification":      func() error { _, err := s.RetryNotification(ctx, 1); return err },
		"Told":                   func() error { _, err := s.Told(ctx, []int64{1}); return err },
		"NotificationBacklog":    func() error { _, err := s.NotificationBacklog(ctx); return err },
		"DeleteOldNotifications": func() error { _, err := s.DeleteOldNotifications(ctx, time.Hour, 1); return err },
		"AppendEvents":           func() error { return s.AppendEvents(ctx, []dispatchapy.Event{{Kind: dispatchapy.EventTaskFailed}}) },
		"AppendAudit":            func() error { return s.AppendAudit(ctx, []store.AuditEntry{{By: "tester"}}) },
		"RewriteAudit": func() error {
			_, err := s.RewriteAudit(ctx, 0, 1, func(text []byte) ([]byte, error) { return text, nil })
			return err
		},
		"ListAudit":     func() error { _, err := s.ListAudit(ctx, store.AuditQuery{Limit: 1}); return err },
		"PutSession":    func() error { return s.PutSession(ctx, session(1)) },
		"Session":       func() error { _, err := s.Session(ctx, session(1).Hash); return err },
		"TouchSessions": func() error { return s.TouchSessions(ctx, []store.SessionSeen{{Hash: session(1).Hash}}) },
		"LimitSessions": func() error { return s.LimitSessions(ctx, time.Hour, time.Hour) },
		"ListSessions":  func() error { _, err := s.ListSessions(ctx, 0, 0); return err },
		"DeleteSessions": func() error {
			_, err := s.DeleteSessions(ctx, store.SessionSelection{UserID: 1})
			return err
		},
		"DeleteEndedSessions": func() error { _, err := s.DeleteEndedSessions(ctx, 1); return err },
		"RecordTokenUse": func() error {
			return s.RecordTokenUse(ctx, map[store.ObjectRef]time.Time{{Kind: store.KindToken, ID: 1}: now()})
		},
		"TokenUses":       func() error { _, err := s.TokenUses(ctx, store.KindToken, []int64{1}); return err },
		"Stats":           func() error { _, err := s.Stats(ctx, store.StatsQuery{}); return err },
		"FailedAttempts":  func() error { _, err := s.FailedAttempts(ctx, 1, 1); return err },
		"DeleteOldStats":  func() error { _, err := s.DeleteOldStats(ctx, time.Hour, 1); return err },
		"DeleteOldAudit":  func() error { _, err := s.DeleteOldAudit(ctx, time.Hour, 1); return err },
		"DeleteOldEvents": func() error { _, err := s.DeleteOldEvents(ctx, time.Hour, 1); return err },
		"ImportTasks": func() error {
			_, err := s.ImportTasks(ctx, []store.TaskDetail{{Task: dispatchapy.Task{Status: dispatchapy.StatusStopped}}})
			return err
		},
		"ImportNames":   func() error { _, err := s.ImportNames(ctx, store.KindClient, []string{"x"}); return err },
		"ImportChecks":  func() error { return s.ImportChecks(ctx, []dispatchapy.Check{{ResourceID: 1}}) },
		"Backup":        func() error { return s.Backup(ctx, filepath.Join(os.TempDir(), "a-closed-store-makes-no-backup")) },
		"Watch":         func() error { return s.Watch(ctx, func(store.Hint) {}) },
		"InstanceKey":   func() error { _, err := s.InstanceKey(ctx); return err },
		"CheckWritable": func() error { return s.CheckWritable(ctx) },
	}
}

func testClosed(t *testing.T, s store.Store) {
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	for name, call := range calls(t.Context(), s) {
		if err := call(); !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s on a closed store gives %v, want ErrClosed", name, err)
		}
	}
	if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
		t.Errorf("closing it again gives %v", err)
	}
}

// testCancelled: callers that give up at any moment, as clients do when they
// hang up, neither break the store for others nor lose what was acknowledged.
func testCancelled(t *testing.T, s store.Store) {
	var mu sync.Mutex
	var acknowledged []int64
	each(16, func(i int) {
		for j := range 8 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*j)*50*time.Microsecond)
			r, err := s.InsertTasks(ctx, []store.NewTask{newTask()})
			if err == nil && r[0].Err == nil {
				mu.Lock()
				acknowledged = append(acknowledged, r[0].TaskID)
				mu.Unlock()
			}
			_, _ = s.ListTasks(ctx, store.TaskQuery{Limit: 5, Filter: store.TaskFilter{Text: "hello"}})
			_, _ = s.ClaimDue(ctx, store.Claim{LeaseFor: longLease, Lanes: []store.LaneClaim{{EndpointID: endpointA, Limit: 1}}})
			cancel()
		}
	})
	acknowledged = append(acknowledged, insertOne(t, s))
	listed := pages(t, s, store.TaskFilter{}, 500)
	for _, id := range acknowledged {
		if !slices.Contains(listed, id) {
			t.Errorf("task %d was acknowledged and is not there", id)
		}
	}
}

// watch collects hints until the test ends. It fails the test when notify is
// called by two goroutines at once.
func watch(t *testing.T, s store.Store) (seen func(func(store.Hint) bool) bool) {
	t.Helper()
	var mu sync.Mutex
	var hints []store.Hint
	var inside atomic.Bool
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		err := s.Watch(ctx, func(h store.Hint) {
			if !inside.CompareAndSwap(false, true) {
				t.Error("notify is called by two goroutines at once")
			}
			defer inside.Store(false)
			mu.Lock()
			defer mu.Unlock()
			hints = append(hints, h)
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v", err)
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return func(match func(store.Hint) bool) bool {
		mu.Lock()
		defer mu.Unlock()
		defer func() { hints = nil }()
		return slices.ContainsFunc(hints, match)
	}
}

func testWatchTasks(t *testing.T, s store.Store) {
	seen := watch(t, s)
	about := func(endpointID int64) func(store.Hint) bool {
		return func(h store.Hint) bool { return slices.Contains(h.Tasks, endpointID) }
	}
	// Hints may be lost, and the first ones certainly are, before Watch has
	// begun: each is caused until it is seen.
	eventually(t, "a hint of a new task", func() bool { insertOne(t, s); return seen(about(endpointA)) })
	eventually(t, "a hint of a task sent by hand", func() bool {
		transition(t, s, dispatchapy.ActionSend, insertOne(t, s, at(endpointB), held("by the test")))
		return seen(about(endpointB))
	})
	eventually(t, "a hint of a task retried by hand", func() bool {
		transition(t, s, dispatchapy.ActionRetry, taskIn(t, s, dispatchapy.StatusFailed, at(13)))
		return seen(about(13))
	})
}

func testWatchOthers(t *testing.T, s store.Store) {
	seen := watch(t, s)
	eventually(t, "a hint of a changed configuration", func() bool {
		change(t, s, store.ConfigUpdate{})
		return seen(func(h store.Hint) bool { return h.Config })
	})
	eventually(t, "a hint of an event", func() bool {
		happen(t, s, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed})
		return seen(func(h store.Hint) bool { return h.Events })
	})
	eventually(t, "a hint of a changed health", func() bool {
		o := probed(force(t, s, resourceA, longLease), time.Hour)
		o.Health.Since = o.Health.CheckedAt // by this check
		recordProbe(t, s, o)
		return seen(func(h store.Hint) bool { return h.Health })
	})
}

// testWatchEnds: Watch returns when its context ends and when the store is
// closed, even while somebody writes.
func testWatchEnds(t *testing.T, s store.Store) {
	ended := make(chan struct{}, 2)
	ctx, cancel := context.WithCancel(t.Context())
	for _, ctx := range []context.Context{ctx, t.Context()} {
		go func() {
			_ = s.Watch(ctx, func(store.Hint) {}) // ErrClosed or none: it was told to end
			ended <- struct{}{}
		}()
	}
	insertOne(t, s)
	cancel()
	wait := func(what string) {
		t.Helper()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatalf("Watch did not return after %s", what)
		}
	}
	wait("its context ended")
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wait("the store was closed")
}
