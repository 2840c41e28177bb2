package service

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

var accepted = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

func second(n int) time.Time { return accepted.Add(time.Duration(n) * time.Second) }

func resourceName(id int64) string { return fmt.Sprintf("r%d", id) }

// lines writes a timeline so that it can be compared at a glance.
func lines(entries []TimelineEntry) (out []string) {
	for _, e := range entries {
		at := "now"
		if !e.At.IsZero() {
			at = fmt.Sprint(int(e.At.Sub(accepted).Seconds()))
		}
		words := []string{at, string(e.Kind)}
		if e.By != "" {
			words = append(words, "by "+e.By)
		}
		if e.Task != 0 {
			words = append(words, fmt.Sprintf("task %d", e.Task))
		}
		if e.Resource != "" {
			words = append(words, e.Resource)
		}
		if e.Attempt != 0 {
			words = append(words, fmt.Sprintf("#%d %d/%d", e.Attempt, e.Place, e.Routes))
		}
		for _, p := range e.PassedOver {
			words = append(words, p.Resource+" is "+p.Why)
		}
		if e.Rule != nil {
			words = append(words, fmt.Sprintf("%s %d %s: %s -> %s", e.Rule.Origin, e.Rule.Rule, e.Rule.Param, e.Rule.Before, e.Rule.After))
		}
		for _, r := range e.Waiting {
			words = append(words, fmt.Sprintf("%s:%s", r.Resource, r.Reason))
		}
		if e.Text != "" {
			words = append(words, "("+e.Text+")")
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func line(at int, kind dispatchapy.LogKind, message string, data dispatchapy.LogData) dispatchapy.LogEntry {
	return dispatchapy.LogEntry{At: second(at), Kind: kind, Message: message, Data: data}
}

func try(at, number, place int, resource string, passed ...PassedOver) Attempt {
	a := Attempt{Resource: resource, PassedBy: passed}
	a.Number, a.StartedAt, a.Place, a.Routes = number, second(at), place, 3
	return a
}

func TestTimeline(t *testing.T) {
	by := func(name string) dispatchapy.LogData { return dispatchapy.LogData{By: name} }
	none := dispatchapy.LogData{}
	for _, tt := range []struct {
		name   string
		task   dispatchapy.Task
		phase  dispatchapy.Phase
		routes []RouteState
		log    []dispatchapy.LogEntry
		tries  []Attempt
		want   []string
	}{
		{
			name: "delivered at once", phase: dispatchapy.PhaseDelivered, task: dispatchapy.Task{FinishedAt: second(2)},
			tries: []Attempt{try(1, 1, 1, "r1")},
			want:  []string{"0 received", "1 attempt r1 #1 1/3", "2 delivered r9"},
		},
		{
			name: "rules, a resource passed over, a second round", phase: dispatchapy.PhaseDelivered, task: dispatchapy.Task{FinishedAt: second(9)},
			log: []dispatchapy.LogEntry{
				line(1, dispatchapy.LogOverride, "client rule", dispatchapy.LogData{Origin: "client", Rule: 2, Param: "phone", Before: `"62"`, After: `"0"`}),
				line(1, dispatchapy.LogPassedOver, "going to r2: r1 is down", dispatchapy.LogData{Resource: 2}),
			},
			tries: []Attempt{
				try(1, 1, 2, "r2", PassedOver{Resource: "r1", Why: "down"}),
				try(2, 2, 3, "r3", PassedOver{Resource: "r1", Why: "down"}),
				try(8, 3, 1, "r1"),
			},
			want: []string{
				"0 received", `1 override client 2 phone: "62" -> "0"`, "1 attempt r2 #1 2/3 r1 is down", "2 attempt r3 #2 3/3 r1 is down",
				"8 attempt r1 #3 1/3", "9 delivered r9",
			},
		},
		{
			name: "given up, retried, deleted, restored, given up again", phase: dispatchapy.PhaseFailed,
			task: dispatchapy.Task{FinishedAt: second(9), LastError: "spent again"},
			log: []dispatchapy.LogEntry{
				line(2, dispatchapy.LogFailed, "spent", none), line(3, dispatchapy.LogRetried, "retried by ann", by("ann")),
				line(5, dispatchapy.LogFailed, "spent again", none),
				line(6, dispatchapy.LogDeleted, "", by("bob")), line(7, dispatchapy.LogRestored, "", by("bob")),
			},
			tries: []Attempt{try(1, 1, 1, "r1"), try(4, 2, 1, "r1")},
			want: []string{
				"0 received", "1 attempt r1 #1 1/3", "2 failed (spent)", "3 retried by ann", "4 attempt r1 #2 1/3", "5 failed (spent again)",
				"6 deleted by bob", "7 restored by bob",
			},
		},
		{
			name: "given up in an earlier version", phase: dispatchapy.PhaseFailed, task: dispatchapy.Task{FinishedAt: second(3), LastError: "spent"},
			log:   []dispatchapy.LogEntry{line(1, "", "going to r2: r1 is down", none), line(2, "", "retried by ann", none)},
			tries: []Attempt{{Resource: "r2", Attempt: dispatchapy.Attempt{Number: 1, StartedAt: second(1)}}},
			want:  []string{"0 received", "1 note (going to r2: r1 is down)", "1 attempt r2 #1 0/0", "2 note (retried by ann)", "3 failed (spent)"},
		},
		{
			name: "held and let go", phase: dispatchapy.PhaseQueued, task: dispatchapy.Task{RunAt: second(5)},
			routes: []RouteState{{Resource: "r1", Reason: routing.Full}},
			log:    []dispatchapy.LogEntry{line(0, dispatchapy.LogHeld, "held: why", none), line(4, dispatchapy.LogReleased, "", by("ann"))},
			want:   []string{"0 received", "0 held (held: why)", "4 released by ann", "5 queued r1:full"},
		},
		{
			name: "made from another and stopped for a third", phase: dispatchapy.PhaseStopped, task: dispatchapy.Task{FinishedAt: second(2)},
			log: []dispatchapy.LogEntry{
				line(0, dispatchapy.LogResent, "", dispatchapy.LogData{By: "ann", Task: 7}),
				line(2, dispatchapy.LogStopped, "", dispatchapy.LogData{By: "ann", Task: 9}),
			},
			want: []string{"0 received", "0 resent by ann task 7", "2 stopped by ann task 9"},
		},
		{
			name: "waits, after an attempt that was broken off", phase: dispatchapy.PhaseWaiting,
			routes: []RouteState{{Resource: "r1", Reason: routing.Down}, {Resource: "r2", Reason: routing.Inactive}},
			log:    []dispatchapy.LogEntry{line(1, dispatchapy.LogBrokenOff, "broken off", dispatchapy.LogData{Resource: 1})},
			want:   []string{"0 received", "1 broken_off r1", "now waiting r1:down r2:switched off"},
		},
		{
			name: "will be retried", phase: dispatchapy.PhaseRetrying, task: dispatchapy.Task{RunAt: second(60)}, tries: []Attempt{try(1, 1, 1, "r1")},
			want: []string{"0 received", "1 attempt r1 #1 1/3", "60 retry_scheduled"},
		},
		{
			name: "sent in a client's name", phase: dispatchapy.PhaseSending,
			log:  []dispatchapy.LogEntry{line(0, dispatchapy.LogSubmitted, "", by("ann")), line(0, "new kind", "from a newer version", none)},
			want: []string{"0 received", "0 submitted by ann", "0 note (from a newer version)", "now sending"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.task.CreatedAt = accepted
			d := &TaskDetail{Task: Task{Task: tt.task, Phase: tt.phase, Resource: "r9"}, Log: tt.log, Attempts: tt.tries, Routes: tt.routes}
			if diff := cmp.Diff(tt.want, lines(timeline(d, resourceName))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
