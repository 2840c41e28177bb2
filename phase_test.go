package dispatchapy

import "testing"

func TestPhaseOf(t *testing.T) {
	tests := []struct {
		status   Status
		attempts int
		stuck    bool
		want     Phase
	}{
		{StatusPending, 0, false, PhaseQueued},
		{StatusPending, 2, false, PhaseRetrying},
		{StatusPending, 0, true, PhaseWaiting},
		{StatusPending, 2, true, PhaseWaiting},
		{StatusProcessing, 0, true, PhaseSending},
		{StatusProcessing, 3, false, PhaseSending},
		{StatusSuccess, 1, true, PhaseDelivered},
		{StatusFailed, 5, true, PhaseFailed},
		{StatusStopped, 1, true, PhaseStopped},
		{StatusHeld, 0, true, PhaseHeld},
	}
	for _, tt := range tests {
		got := PhaseOf(tt.status, tt.attempts, tt.stuck)
		if got != tt.want {
			t.Errorf("%s with %d attempts, stuck %v: %s, want %s", tt.status, tt.attempts, tt.stuck, got, tt.want)
		}
		if got.Status() != tt.status {
			t.Errorf("%s stands for %s, want %s", got, got.Status(), tt.status)
		}
	}
}

func TestPhasesCoverEveryStatus(t *testing.T) {
	seen := map[Status]bool{}
	for _, p := range Phases {
		if !p.Valid() {
			t.Errorf("%s is not valid", p)
		}
		seen[p.Status()] = true
	}
	for _, s := range Statuses {
		if !seen[s] {
			t.Errorf("no phase stands for %s", s)
		}
	}
	if Phase("").Valid() || Phase("pending").Valid() {
		t.Error("something else is a valid phase")
	}
}
