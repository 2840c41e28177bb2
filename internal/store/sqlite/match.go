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
	text  string // folded
	named store.NamedIDs
}

// newMatcher gives nil if the filter has no text.
func newMatcher(f *store.TaskFilter) *matcher {
	if f.Text == "" {
		return nil
	}
	return &matcher{text: foldText(f.Text), named: f.Named}
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
	rows, err := tx.QueryContext(ctx, "SELECT request_body FROM attempts WHERE task_id = ? ORDER BY number DESC", task.ID)
	bodies, err := collect(rows, err, func(rows *sql.Rows) (body []byte, err error) {
		err = rows.Scan(&body)
		return body, err
	})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(bodies, func(body []byte) bool { return strings.Contains(foldJSON(body), m.text) }), nil
}
