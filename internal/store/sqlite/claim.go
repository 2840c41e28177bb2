package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// ClaimDue implements store.Store.
func (s *Store) ClaimDue(ctx context.Context, claim store.Claim) (store.Claimed, error) {
	if err := checkLease(claim.LeaseFor); err != nil {
		return store.Claimed{}, err
	}
	var claimed store.Claimed
	err := s.writes.Do(ctx, func(tx *tx) error {
		claimed = store.Claimed{NextDue: make(map[int64]time.Duration, len(claim.Lanes))}
		for _, lane := range claim.Lanes {
			tasks, err := s.claimLane(tx, lane, after(tx.now, claim.LeaseFor))
			if err != nil {
				return err
			}
			claimed.Tasks = append(claimed.Tasks, tasks...)
		}
		for _, lane := range claim.Lanes {
			due, err := nextDue(tx, lane.EndpointID)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			claimed.NextDue[lane.EndpointID] = until(tx.now, due)
		}
		return nil
	})
	if err != nil {
		return store.Claimed{}, err
	}
	for i := range claimed.Tasks {
		s.leased.add(&claimed.Tasks[i])
	}
	return claimed, nil
}

func (s *Store) claimLane(tx *tx, lane store.LaneClaim, leaseEnd int64) ([]store.Leased, error) {
	if lane.Limit <= 0 {
		return nil, nil
	}
	rows, err := tx.query("SELECT "+taskColumns+` FROM tasks INDEXED BY tasks_due
		WHERE endpoint_id = ? AND status IN ('pending', 'processing') AND run_at <= ?
		ORDER BY run_at, id LIMIT ?`, lane.EndpointID, tx.now, lane.Limit)
	var bytes int64
	leased, err := collectWhile(rows, err, func(rows *sql.Rows) (l store.Leased, more bool, err error) {
		task, fence, err := scanTask(rows, s.clock)
		task.Status, task.RunAt = dispatchapy.StatusProcessing, s.clock.display(leaseEnd)
		bytes += int64(len(task.Source))
		more = lane.MaxBytes == 0 || bytes < lane.MaxBytes
		return store.Leased{Lease: store.Lease{TaskID: task.ID, Fence: fence + 1}, Task: task}, more, err
	})
	if err != nil {
		return nil, err
	}
	for i := range leased {
		if _, err := tx.exec("UPDATE tasks SET status = 'processing', run_at = ?, fence = ? WHERE id = ?",
			leaseEnd, leased[i].Lease.Fence, leased[i].Lease.TaskID); err != nil {
			return nil, err
		}
	}
	return leased, nil
}

// nextDue gives when the lane's next task becomes due. Leased ones count with
// the end of their lease, so that a crashed node's tasks are found in time.
func nextDue(tx *tx, endpointID int64) (at int64, err error) {
	err = tx.row(`SELECT run_at FROM tasks INDEXED BY tasks_due
		WHERE endpoint_id = ? AND status IN ('pending', 'processing')
		ORDER BY run_at LIMIT 1`, []any{endpointID}, &at)
	return at, err
}

// ExtendLeases implements store.Store. A lease that ran out, but that nobody
// claimed since, is still held.
func (s *Store) ExtendLeases(ctx context.Context, leases []store.Lease, by time.Duration) ([]store.Lease, error) {
	if err := checkLease(by); err != nil || len(leases) == 0 {
		return nil, err
	}
	var lost []store.Lease
	err := s.writes.Do(ctx, func(tx *tx) error {
		lost = nil
		for _, lease := range leases {
			extended, err := tx.change("UPDATE tasks SET run_at = ? WHERE id = ? AND fence = ? AND status = 'processing'",
				after(tx.now, by), lease.TaskID, lease.Fence)
			if err != nil {
				return err
			}
			if extended == 0 {
				lost = append(lost, lease)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}
