package store

import (
	"context"
	"time"

	"dispatchapy"
)

// HealthHistory is what a driver keeps of the health of resources beyond the
// latest checks. It goes with its resource when that is deleted.
type HealthHistory interface {
	// Uptime gives the time that resources spent in each state, and their
	// checks, in [Since, Until). It is kept in sums by the hour, written by
	// RecordProbes: a span of time counts in the hours that it lies in, a check
	// in the hour of its At. Rows are in order of ResourceID, then of Start;
	// what has no rows is not known.
	Uptime(ctx context.Context, q UptimeQuery) ([]UptimeRow, error)
	// DeleteOldUptime deletes up to limit sums of hours longer than age ago.
	DeleteOldUptime(ctx context.Context, age time.Duration, limit int) (int, error)

	// RecentChecks gives the latest MaxRecent checks of resources, oldest
	// first, in order of ResourceID: of those asked for, or of all if
	// resourceIDs is nil. Its cost is one short row per resource.
	RecentChecks(ctx context.Context, resourceIDs []int64) ([]Recent, error)
}

// MaxRecent is how many checks RecentChecks gives per resource.
const MaxRecent = 60

// Recent are the latest checks of a resource, oldest first.
type Recent struct {
	ResourceID int64
	Checks     []dispatchapy.CheckMark
}

// UptimeQuery asks for sums of health.
//
// As they are kept by the hour, [Since, Until) is widened to full hours.
type UptimeQuery struct {
	ResourceIDs  []int64 // nil: all
	Since, Until time.Time
	Bucket       time.Duration // 0: one row per resource; else a multiple of an hour, counted from Since
}

// UptimeRow is what is known of one resource in one bucket.
type UptimeRow struct {
	ResourceID  int64
	Start       time.Time // of the bucket; Since where there are no buckets
	Up          time.Duration
	Down        time.Duration
	Maintenance time.Duration
	Checks      int64
	Failures    int64     // failed checks
	Answer      Histogram // duration of the checks that succeeded
}
