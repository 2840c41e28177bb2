package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// The latest checks of a resource are a part of its row, so that a page can
// show those of all resources at the cost of reading that table. Each takes
// markSize bytes: its time, its duration, whether it succeeded, the state.
const markSize = 14

// markStates are the states that a check can leave, by the number under which
// they are stored.
var markStates = []dispatchapy.HealthState{dispatchapy.HealthUnknown, dispatchapy.HealthUp, dispatchapy.HealthDown}

func encodeMark(c *dispatchapy.Check) []byte {
	b := make([]byte, 0, markSize)
	b = binary.BigEndian.AppendUint64(b, uint64(micros(c.At)))
	took := min(max(c.Duration, 0), dispatchapy.MaxMarkDuration)
	b = binary.BigEndian.AppendUint32(b, uint32(took.Microseconds()))
	ok, state := byte(0), byte(0)
	if c.OK {
		ok = 1
	}
	for i, s := range markStates {
		if s == c.State {
			state = byte(i)
		}
	}
	return append(b, ok, state)
}

func decodeMarks(b []byte) []dispatchapy.CheckMark {
	marks := make([]dispatchapy.CheckMark, 0, len(b)/markSize)
	for ; len(b) >= markSize; b = b[markSize:] {
		marks = append(marks, dispatchapy.CheckMark{
			At:       fromMicros(int64(binary.BigEndian.Uint64(b))),
			Duration: time.Duration(binary.BigEndian.Uint32(b[8:])) * time.Microsecond,
			OK:       b[12] == 1,
			State:    markStates[int(b[13])%len(markStates)],
		})
	}
	return marks
}

// RecentChecks implements store.HealthHistory.
func (s *Store) RecentChecks(ctx context.Context, resourceIDs []int64) (all []store.Recent, err error) {
	query, args := "SELECT resource_id, recent FROM resource_health WHERE recent > x'' ORDER BY resource_id", []any(nil)
	if resourceIDs != nil {
		query = `SELECT resource_id, recent FROM resource_health WHERE recent > x''
			AND resource_id IN (SELECT value FROM json_each(?)) ORDER BY resource_id`
		args = []any{jsonIDs(resourceIDs)}
	}
	err = s.reading(func() error {
		rows, err := s.read.QueryContext(ctx, query, args...)
		all, err = collect(rows, err, func(rows *sql.Rows) (r store.Recent, err error) {
			var recent sql.RawBytes
			err = rows.Scan(&r.ResourceID, &recent)
			r.Checks = decodeMarks(recent)
			return r, err
		})
		return err
	})
	return all, err
}
