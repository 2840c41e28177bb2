package sqlite

import (
	"encoding/json"
	"strings"

	"dispatchapy"
)

// where gathers conditions that must all hold.
type where struct {
	conditions []string
	args       []any
}

func (w *where) and(given bool, sql string, args ...any) {
	if given {
		w.conditions, w.args = append(w.conditions, sql), append(w.args, args...)
	}
}

func (w *where) sql() string { return strings.Join(w.conditions, " AND ") }

// kinds selects kinds of events. The index serves one of them in order of id;
// several are looked for among all rows, newest first.
func (w *where) kinds(kinds []dispatchapy.EventKind) {
	switch len(kinds) {
	case 0:
	case 1:
		w.and(true, "kind = ?", string(kinds[0]))
	default:
		list, _ := json.Marshal(kinds) // texts can always be written
		w.and(true, "+kind IN (SELECT value FROM json_each(?))", string(list))
	}
}
