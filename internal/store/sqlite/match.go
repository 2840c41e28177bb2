package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// matcher decides whether a task matches the text of a filter.
type matcher struct {
	text       string // folded
	named      store.NamedIDs
	sourceOnly bool // not in what was sent
}

// newMatcher gives nil if the filter has no text.
func newMatcher(f *store.TaskFilter) *matcher {
	if f.Text == "" {
		return nil
	}
	return &matcher{text: foldText(f.Text), named: f.Named, sourceOnly: f.SourceOnly}
}

// task looks at what the row has first, and only then for the payloads that
// were sent.
func (m *matcher) task(ctx context.Context, tx *sql.Tx, task *dispatchapy.Task) (bool, error) {
	if strings.Contains(foldText(task.Ref), m.text) ||
		strings.Contains(foldText(task.Scope), m.text) ||
		strings.Contains(foldJSON(task.Source), m.text) ||
		slices.Contains(m.named.Clients, task.ClientID) ||
		slices.Contains(m.named.Endpoints, task.EndpointID) ||
		slices.Contains(m.named.Resources, task.ResourceID) {
		return true, nil
	}
	if m.sourceOnly {
		return false, nil
	}
	return m.sent(ctx, tx, task.ID)
}

// sent looks at the payloads that were sent for a task, one at a time: there
// may be many, and large ones.
func (m *matcher) sent(ctx context.Context, tx *sql.Tx, taskID int64) (bool, error) {
	rows, err := tx.QueryContext(ctx, "SELECT request_body FROM attempts WHERE task_id = ? ORDER BY number DESC", taskID)
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	for rows.Next() {
		var body sql.RawBytes
		if err := rows.Scan(&body); err != nil {
			return false, err
		}
		if strings.Contains(foldJSON(body), m.text) {
			return true, nil
		}
	}
	return false, rows.Err()
}
