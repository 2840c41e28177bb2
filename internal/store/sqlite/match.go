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
	return &matcher{text: fold(f.Text), named: f.Named}
}

// fold makes text comparable without regard to case.
func fold(text string) string { return strings.ToLower(text) }

func (m *matcher) contains(text string) bool { return strings.Contains(fold(text), m.text) }

// task looks at what the row has first, and only then for the payloads that
// were sent.
func (m *matcher) task(ctx context.Context, tx *sql.Tx, task *dispatchapy.Task) (bool, error) {
	if m.contains(task.Ref) || m.contains(task.Scope) || m.contains(string(task.Source)) ||
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
	return slices.ContainsFunc(bodies, func(body []byte) bool { return m.contains(string(body)) }), nil
}
