package sqlite

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// lead is a condition that an index answers in order of id, for each of some
// values.
type lead struct {
	from   string // table, with the index to use
	where  string // with one parameter for the value, if there are values
	values []any  // none: the condition stands alone
}

// everyTask walks the table itself.
var everyTask = lead{from: "tasks", where: "1"}

// each gives the arguments of where, for each query to be made.
func (l lead) each() [][]any {
	if len(l.values) == 0 {
		return [][]any{nil}
	}
	each := make([][]any, len(l.values))
	for i, value := range l.values {
		each[i] = []any{value}
	}
	return each
}

// maxValues is for how many values a lead is worth while.
const maxValues = 32

// leadsOf gives the conditions of the filter that have an index. Without
// INDEXED BY the planner guesses, for it has no statistics.
func leadsOf(f *store.TaskFilter) (leads []lead) {
	add := func(index, where string, values []any) {
		if len(values) > 0 && len(values) <= maxValues {
			leads = append(leads, lead{from: "tasks INDEXED BY " + index, where: where, values: values})
		}
	}
	if !slices.Contains(f.Statuses, dispatchapy.StatusSuccess) {
		add("tasks_unsuccessful", "status <> 'success' AND status = ?", values(f.Statuses))
	}
	if onlyPending(f, dispatchapy.PhaseRetrying) {
		leads = append(leads, lead{from: "tasks INDEXED BY tasks_retrying", where: "status = 'pending' AND attempt_count > 0"})
	}
	add("tasks_resource", "resource_id > 0 AND resource_id = ?", values(f.ResourceIDs))
	add("tasks_endpoint", "endpoint_id = ?", values(f.EndpointIDs))
	add("tasks_client", "client_id = ?", values(f.ClientIDs))
	if onlyPending(f, dispatchapy.PhaseWaiting) {
		add("tasks_endpoint", "endpoint_id = ?", values(f.Pending.Stuck))
	}
	return leads
}

// onlyPending reports whether all tasks that are meant are in this phase.
func onlyPending(f *store.TaskFilter, phase dispatchapy.Phase) bool {
	return f.Pending != nil && slices.Equal(f.Statuses, []dispatchapy.Status{dispatchapy.StatusPending}) &&
		slices.Equal(f.Pending.Phases, []dispatchapy.Phase{phase})
}

// values makes arguments of a list, without repetitions.
func values[T ~int64 | ~string](list []T) (args []any) {
	sorted := slices.Compact(slices.Sorted(slices.Values(list)))
	for _, v := range sorted {
		switch v := any(v).(type) {
		case dispatchapy.Status:
			args = append(args, string(v))
		default:
			args = append(args, v)
		}
	}
	return args
}

// condition is a part of the filter, as SQL with its arguments.
type condition struct {
	sql  string
	args []any
}

// conditionsOf gives everything in the filter but its text.
func conditionsOf(f *store.TaskFilter) (all []condition) {
	in := func(column string, values []any) {
		if len(values) > 0 {
			marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
			all = append(all, condition{column + " IN (" + marks + ")", values})
		}
	}
	in("status", values(f.Statuses))
	in("client_id", values(f.ClientIDs))
	in("endpoint_id", values(f.EndpointIDs))
	in("resource_id", values(f.ResourceIDs))
	one := func(sql string, given bool, arg any) {
		if given {
			all = append(all, condition{sql, []any{arg}})
		}
	}
	one("ref = ?", f.Ref != "", f.Ref)
	if f.RefPrefix != "" {
		all = append(all, condition{"substr(ref, 1, ?) = ?", []any{utf8.RuneCountInString(f.RefPrefix), f.RefPrefix}})
	}
	one("scope = ?", f.Scope != "", f.Scope)
	one("created_at >= ?", !f.Since.IsZero(), ceilMicros(f.Since))
	one("created_at < ?", !f.Until.IsZero(), ceilMicros(f.Until))
	if f.Pending != nil {
		all = append(all, pendingCondition(f.Pending))
	}
	return all
}

// pendingCondition is dispatchapy.PhaseOf for the rows of pending tasks.
func pendingCondition(f *store.PendingFilter) condition {
	wanted := func(p dispatchapy.Phase) bool { return slices.Contains(f.Phases, p) }
	return condition{
		`(status <> 'pending' OR CASE WHEN endpoint_id IN (SELECT value FROM json_each(?)) THEN ? WHEN attempt_count > 0 THEN ? ELSE ? END)`,
		[]any{idList(f.Stuck), wanted(dispatchapy.PhaseWaiting), wanted(dispatchapy.PhaseRetrying), wanted(dispatchapy.PhaseQueued)},
	}
}

// idList gives ids as json_each reads them.
func idList(ids []int64) string {
	list := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, id, 10)
	}
	return string(append(list, ']'))
}

// ceilMicros rounds up, so that comparing stored times with it is comparing
// them with the time itself.
func ceilMicros(t time.Time) int64 {
	return t.Add(time.Microsecond - 1).UnixMicro()
}
