// Package retention deletes what is too old, in steps so small that they hold
// nothing up: each is one operation among the others in a group commit, and
// between two steps there is a pause.
package retention

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

const (
	interval = time.Minute           // between two rounds
	step     = 200                   // rows deleted at once
	pause    = 50 * time.Millisecond // between two steps

	// statsAge is how long statistics and the history of health are kept: this
	// month can be compared with the same one a year ago.
	statsAge = 400 * 24 * time.Hour
)

// Store deletes up to limit old things and says how many there were.
type Store interface {
	DeleteFinished(ctx context.Context, age time.Duration, limit int) (int, error)
	ForgetDeleted(ctx context.Context, age time.Duration, limit int) (int, error)
	DeleteExpiredKeys(ctx context.Context, limit int) (int, error)
	DeleteEndedSessions(ctx context.Context, limit int) (int, error)
	DeleteOldStats(ctx context.Context, age time.Duration, limit int) (int, error)
	DeleteOldAudit(ctx context.Context, age time.Duration, limit int) (int, error)
	DeleteOldEvents(ctx context.Context, age time.Duration, limit int) (int, error)
	DeleteOldIncidents(ctx context.Context, age time.Duration, limit int) (int, error)
	DeleteOldNotifications(ctx context.Context, age time.Duration, limit int) (int, error)
	DeleteOldUptime(ctx context.Context, age time.Duration, limit int) (int, error)
}

// Runner deletes finished tasks, audit entries, events, incidents and
// notifications as the settings say, tasks that people deleted and can no longer restore, idempotency
// keys and sessions that nobody may use any more, and statistics of long ago.
type Runner struct {
	Store Store
	Table *routing.Table
	Log   *slog.Logger
}

// Run works until ctx ends.
//
// Failure policy: a step that fails ends the round; the next one tries again.
// Nothing but disk space depends on it.
func (r *Runner) Run(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		r.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *Runner) round(ctx context.Context) {
	r.sweep(ctx, "idempotency keys", r.Store.DeleteExpiredKeys)
	r.sweep(ctx, "sessions", r.Store.DeleteEndedSessions)
	r.sweep(ctx, "deleted tasks", func(ctx context.Context, limit int) (int, error) {
		return r.Store.ForgetDeleted(ctx, dispatchapy.UndoFor, limit)
	})
	r.sweep(ctx, "statistics", func(ctx context.Context, limit int) (int, error) {
		return r.Store.DeleteOldStats(ctx, statsAge, limit)
	})
	r.sweep(ctx, "history of health", func(ctx context.Context, limit int) (int, error) {
		return r.Store.DeleteOldUptime(ctx, statsAge, limit)
	})
	cleanup := r.Table.Load().Config.Settings.Cleanup
	if cleanup.AuditDays > 0 {
		r.sweep(ctx, "audit entries", olderThan(cleanup.AuditDays, r.Store.DeleteOldAudit))
		r.sweep(ctx, "events", olderThan(cleanup.AuditDays, r.Store.DeleteOldEvents))
		r.sweep(ctx, "incidents", olderThan(cleanup.AuditDays, r.Store.DeleteOldIncidents))
	}
	// There are never more than a certain number of these.
	r.sweep(ctx, "notifications", olderThan(cmp.Or(cleanup.AuditDays, dispatchapy.MaxAfterDays), r.Store.DeleteOldNotifications))
	if cleanup.Enabled {
		r.sweep(ctx, "finished tasks", olderThan(cleanup.AfterDays, r.Store.DeleteFinished))
	}
}

// olderThan makes a step of what deletes by age. The days are bounded once
// more: an age that overflowed would delete everything.
func olderThan(days int, del func(context.Context, time.Duration, int) (int, error)) func(context.Context, int) (int, error) {
	age := time.Duration(min(days, dispatchapy.MaxAfterDays)) * 24 * time.Hour
	return func(ctx context.Context, limit int) (int, error) { return del(ctx, age, limit) }
}

// sweep repeats a step until nothing is left to delete.
func (r *Runner) sweep(ctx context.Context, what string, del func(context.Context, int) (int, error)) {
	total := 0
	for {
		n, err := del(ctx, step)
		total += n
		if err != nil && ctx.Err() == nil {
			r.Log.Warn("clean-up failed", "of", what, "error", err)
		}
		if err != nil || n < step {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	if total > 0 {
		r.Log.Info("cleaned up", "of", what, "deleted", total)
	}
}
