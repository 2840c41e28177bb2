package retention

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// shelf counts what is left to delete.
type shelf struct {
	tasks, deleted, keys, sessions, stats, audit, events, incidents, uptime atomic.Int64
	age, deletedAge, statsAge, auditAge, eventsAge, incidentsAge, uptimeAge atomic.Int64
	told, toldAge                                                           atomic.Int64
	steps                                                                   atomic.Int64
	err                                                                     error
}

func (s *shelf) DeleteFinished(_ context.Context, age time.Duration, limit int) (int, error) {
	s.age.Store(int64(age))
	return s.take(&s.tasks, limit)
}

func (s *shelf) ForgetDeleted(_ context.Context, age time.Duration, limit int) (int, error) {
	s.deletedAge.Store(int64(age))
	return s.take(&s.deleted, limit)
}

func (s *shelf) DeleteExpiredKeys(_ context.Context, limit int) (int, error) {
	return s.take(&s.keys, limit)
}

func (s *shelf) DeleteEndedSessions(_ context.Context, limit int) (int, error) {
	return s.take(&s.sessions, limit)
}

func (s *shelf) DeleteOldStats(_ context.Context, age time.Duration, limit int) (int, error) {
	s.statsAge.Store(int64(age))
	return s.take(&s.stats, limit)
}

func (s *shelf) DeleteOldAudit(_ context.Context, age time.Duration, limit int) (int, error) {
	s.auditAge.Store(int64(age))
	return s.take(&s.audit, limit)
}

func (s *shelf) DeleteOldEvents(_ context.Context, age time.Duration, limit int) (int, error) {
	s.eventsAge.Store(int64(age))
	return s.take(&s.events, limit)
}

func (s *shelf) DeleteOldIncidents(_ context.Context, age time.Duration, limit int) (int, error) {
	s.incidentsAge.Store(int64(age))
	return s.take(&s.incidents, limit)
}

func (s *shelf) DeleteOldNotifications(_ context.Context, age time.Duration, limit int) (int, error) {
	s.toldAge.Store(int64(age))
	return s.take(&s.told, limit)
}

func (s *shelf) DeleteOldUptime(_ context.Context, age time.Duration, limit int) (int, error) {
	s.uptimeAge.Store(int64(age))
	return s.take(&s.uptime, limit)
}

func (s *shelf) take(from *atomic.Int64, limit int) (int, error) {
	s.steps.Add(1)
	if s.err != nil {
		return 0, s.err
	}
	n := min(int64(limit), from.Load())
	from.Add(-n)
	return int(n), nil
}

func run(t *testing.T, cleanup dispatchapy.Cleanup, s *shelf, test func()) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := &dispatchapy.Config{Settings: dispatchapy.Settings{Cleanup: cleanup}}
		snapshot, err := routing.Compile(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		runner := &Runner{Store: s, Table: routing.NewTable(snapshot), Log: slog.New(slog.DiscardHandler)}
		go func() { runner.Run(ctx); close(done) }()
		test()
		cancel()
		<-done
	})
}

func TestDeletesEverythingThatIsOldInSmallSteps(t *testing.T) {
	s := &shelf{}
	s.tasks.Store(5*step + 1)
	s.deleted.Store(step + 3)
	s.keys.Store(3)
	s.sessions.Store(step)
	s.stats.Store(2*step + 7)
	s.audit.Store(step + 1)
	s.events.Store(step + 2)
	s.incidents.Store(step + 3)
	s.told.Store(step + 4)
	s.uptime.Store(step + 1)
	run(t, dispatchapy.Cleanup{Enabled: true, AfterDays: 30, AuditDays: 60}, s, func() {
		time.Sleep(14*pause + time.Millisecond)
		if n := s.tasks.Load(); n != 0 {
			t.Errorf("%d tasks left", n)
		}
		if n := s.keys.Load(); n != 0 {
			t.Errorf("%d keys left", n)
		}
		if n, age := s.deleted.Load(), time.Duration(s.deletedAge.Load()); n != 0 || age != dispatchapy.UndoFor {
			t.Errorf("%d deleted tasks left, age = %v, want %v", n, age, dispatchapy.UndoFor)
		}
		if sessions, stats, uptime := s.sessions.Load(), s.stats.Load(), s.uptime.Load(); sessions != 0 || stats != 0 || uptime != 0 {
			t.Errorf("%d sessions, %d rows of statistics and %d of health left", sessions, stats, uptime)
		}
		if stats, uptime := time.Duration(s.statsAge.Load()), time.Duration(s.uptimeAge.Load()); stats != statsAge || uptime != statsAge {
			t.Errorf("age of statistics = %v, of the history of health = %v, want %v", stats, uptime, statsAge)
		}
		if age := time.Duration(s.age.Load()); age != 30*24*time.Hour {
			t.Errorf("age = %v, want 30 days", age)
		}
		if audit, events, incidents := s.audit.Load(), s.events.Load(), s.incidents.Load(); audit != 0 || events != 0 || incidents != 0 {
			t.Errorf("%d audit entries, %d events and %d incidents left", audit, events, incidents)
		}
		if told, age := s.told.Load(), time.Duration(s.toldAge.Load()); told != 0 || age != 60*24*time.Hour {
			t.Errorf("%d notifications left, age = %v, want 60 days", told, age)
		}
		if incidents := time.Duration(s.incidentsAge.Load()); incidents != 60*24*time.Hour {
			t.Errorf("age of incidents = %v, want 60 days", incidents)
		}
		if audit, events := time.Duration(s.auditAge.Load()), time.Duration(s.eventsAge.Load()); audit != 60*24*time.Hour || events != audit {
			t.Errorf("age of audit entries = %v, of events = %v, want 60 days", audit, events)
		}
	})
}

func TestKeepsTasksUnlessAsked(t *testing.T) {
	s := &shelf{}
	s.tasks.Store(7)
	s.audit.Store(1)
	run(t, dispatchapy.Cleanup{AfterDays: 1, AuditDays: 60}, s, func() {
		time.Sleep(time.Hour)
		if n := s.tasks.Load(); n != 7 {
			t.Errorf("%d tasks left of 7", n)
		}
		if n := s.audit.Load(); n != 0 {
			t.Errorf("%d old audit entries left, which is no matter of tasks", n)
		}
	})
}

func TestKeepsAuditForEver(t *testing.T) {
	s := &shelf{}
	s.audit.Store(7)
	s.events.Store(7)
	run(t, dispatchapy.Cleanup{}, s, func() {
		time.Sleep(time.Hour)
		if audit, events := s.audit.Load(), s.events.Load(); audit != 7 || events != 7 {
			t.Errorf("%d audit entries and %d events left of 7", audit, events)
		}
		if age := time.Duration(s.toldAge.Load()); age < 99*365*24*time.Hour {
			t.Errorf("age of notifications = %v, of which there are never too many", age)
		}
	})
}

func TestAnAbsurdAgeDeletesNothingYoung(t *testing.T) {
	s := &shelf{}
	run(t, dispatchapy.Cleanup{Enabled: true, AfterDays: 106_752, AuditDays: 106_752}, s, func() {
		synctest.Wait()
		if age := time.Duration(s.auditAge.Load()); age < 99*365*24*time.Hour {
			t.Errorf("age of audit entries = %v", age)
		}
		if age := time.Duration(s.age.Load()); age < 99*365*24*time.Hour {
			t.Errorf("age = %v", age)
		}
	})
}

func TestAFailureWaitsForTheNextRound(t *testing.T) {
	s := &shelf{err: errors.New("disk full")}
	run(t, dispatchapy.Cleanup{Enabled: true, AfterDays: 1, AuditDays: 30}, s, func() {
		time.Sleep(interval - time.Millisecond)
		if n := s.steps.Load(); n != 10 {
			t.Errorf("%d steps in a round that fails, want one each", n)
		}
		time.Sleep(interval)
		if n := s.steps.Load(); n != 20 {
			t.Errorf("%d steps after the second round, want 20", n)
		}
	})
}
