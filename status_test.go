package dispatchapy

import (
	"slices"
	"strings"
	"testing"
)

// TestTransitions spells out every action in every status, apart from the table
// in the code: "" is refused, "before" is the status in which it was deleted.
func TestTransitions(t *testing.T) {
	columns := []Status{StatusPending, StatusProcessing, StatusSuccess, StatusFailed, StatusStopped, StatusHeld, StatusDeleted}
	table := map[Action][]Status{
		//              pending       processing    success   failed     stopped    held       deleted
		ActionClaim:   {"processing", "processing", "", "", "", "", ""},
		ActionSucceed: {"", "success", "", "", "", "", ""},
		ActionFail:    {"", "failed", "", "", "", "", ""},
		ActionRelease: {"", "pending", "", "", "", "", ""},
		ActionStop:    {"stopped", "", "", "", "", "stopped", ""},
		ActionRetry:   {"pending", "", "", "pending", "pending", "pending", ""},
		ActionSend:    {"", "", "", "", "", "pending", ""},
		ActionDelete:  {"deleted", "", "deleted", "deleted", "deleted", "deleted", ""},
		ActionRestore: {"", "", "", "", "", "", "before"},
	}
	if len(table) != len(transitions) || !slices.Equal(columns, append(slices.Clone(Statuses), StatusDeleted)) {
		t.Fatal("this test does not know every action and status")
	}
	for action, row := range table {
		for i, from := range columns {
			want, allowed := row[i], row[i] != ""
			switch want {
			case "":
				want = from // refused: it stays
			case "before":
				want = ""
			}
			next, ok := action.Next(from)
			if next != want || ok != allowed {
				t.Errorf("%s in %s gives %q, %v; want %q, %v", action, from, next, ok, want, allowed)
			}
			if slices.Contains(action.From(), from) != allowed {
				t.Errorf("From of %s and Next disagree about %s", action, from)
			}
		}
	}
}

func TestUnknownActionsAndStatusesAreRefused(t *testing.T) {
	if next, ok := Action("burn").Next(StatusPending); ok || next != StatusPending {
		t.Errorf("an unknown action led to %q", next)
	}
	if next, ok := ActionClaim.Next("lost"); ok || next != "lost" {
		t.Errorf("an unknown status led to %q", next)
	}
	if Status("lost").Valid() || Status("").Valid() || StatusDeleted.Valid() {
		t.Error("a status that nobody sees is valid")
	}
}

func TestStatusGroups(t *testing.T) {
	finished := []Status{StatusSuccess, StatusFailed, StatusStopped}
	for _, s := range Statuses {
		if !s.Valid() {
			t.Errorf("%s is not valid", s)
		}
		if s.Finished() != slices.Contains(finished, s) {
			t.Errorf("%s: finished is %v", s, s.Finished())
		}
	}
}

func TestManualActionsSayWhyTheyAreRefused(t *testing.T) {
	for action, reason := range map[Action]string{ActionStop: "only pending and held", ActionRetry: "cannot be retried", ActionSend: "only held", ActionDelete: "cannot be deleted", ActionRestore: "only deleted"} {
		err := action.Refuse(7, StatusProcessing)
		if err.Code != CodeConflict || !strings.Contains(err.Message, "task 7 is processing: ") || !strings.Contains(err.Message, reason) {
			t.Errorf("%s: %s %q", action, err.Code, err.Message)
		}
	}
}
