package sqlite

import (
	"sync"

	"dispatchapy/internal/store"
)

// facts are what never changes of a task and is needed when its outcome is
// recorded.
type facts struct {
	endpointID, clientID int64
	scope                string
	createdAt            int64
}

// factsOfLeased keeps the facts of the tasks that were handed out. Reading them
// from the database again, with each outcome, would cost a tenth of the
// throughput. What is missing is read there: after a restart, or when a lease
// was given twice.
//
// There are no more entries than tasks that are being sent, for whoever claims
// a task again takes over its entry.
type factsOfLeased struct {
	mu    sync.Mutex
	known map[int64]facts // by task id
}

// add is told of a lease once it is committed.
func (f *factsOfLeased) add(leased *store.Leased) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		f.known = map[int64]facts{}
	}
	t := &leased.Task
	f.known[t.ID] = facts{t.EndpointID, t.ClientID, t.Scope, micros(t.CreatedAt)}
}

// of gives the facts of the outcomes' tasks, empty ones where it has none.
func (f *factsOfLeased) of(outcomes []store.Outcome) []facts {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]facts, len(outcomes))
	for i := range outcomes {
		all[i] = f.known[outcomes[i].Lease.TaskID]
	}
	return all
}

// forget is told of outcomes once they are committed.
func (f *factsOfLeased) forget(outcomes []store.Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range outcomes {
		delete(f.known, outcomes[i].Lease.TaskID)
	}
}

// read gets the facts from the database.
func (f *facts) read(tx *tx, taskID int64) error {
	return tx.row("SELECT endpoint_id, client_id, scope, created_at FROM tasks WHERE id = ?", []any{taskID},
		&f.endpointID, &f.clientID, &f.scope, &f.createdAt)
}
