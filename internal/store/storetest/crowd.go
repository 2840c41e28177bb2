package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Crowd describes what a gateway has stored after some days: mostly delivered
// tasks, some that failed, some of every other state, with attempts and logs.
// The same Crowd is always the same. Nothing in it is due within a day.
type Crowd struct {
	Tasks     int
	Endpoints []int64 // ids; each task is of one of them
	Clients   []int64
	Resources []int64
	Until     time.Time     // when the newest was accepted
	Every     time.Duration // between two of them

	// Status says in which state the task at a place is, from the oldest; nil:
	// 92 in 100 are delivered, 4 failed, the others are stopped, held or wait.
	Status func(place int) dispatchapy.Status
}

// crowdStep is how many tasks are stored at once.
const crowdStep = 500

// Store stores the tasks, oldest first.
func (c *Crowd) Store(ctx context.Context, s interface {
	ImportTasks(ctx context.Context, tasks []store.TaskDetail) ([]int64, error)
}) error {
	random := rand.New(rand.NewPCG(1, 2))
	places := make([]int, c.Tasks)
	for i := range places {
		places[i] = i
	}
	for step := range slices.Chunk(places, crowdStep) {
		tasks := make([]store.TaskDetail, len(step))
		for i, place := range step {
			tasks[i] = c.task(place, random)
		}
		if _, err := s.ImportTasks(ctx, tasks); err != nil {
			return err
		}
	}
	return nil
}

func (c *Crowd) task(place int, random *rand.Rand) store.TaskDetail {
	accepted := c.Until.Add(-time.Duration(c.Tasks-1-place) * c.Every)
	ref := fmt.Sprintf("inv-%d", 100_000+place)
	d := store.TaskDetail{Task: dispatchapy.Task{
		Status:      c.status(place, random),
		ClientID:    pick(c.Clients, random),
		EndpointID:  pick(c.Endpoints, random),
		Ref:         ref,
		Scope:       pick([]string{"prod", "prod", "prod", "staging", "test"}, random),
		Source:      fmt.Appendf(nil, `{"ref":%q,"scope":"prod","phone":"+1555%07d","message":"Disk %d %% full on host-%d"}`, ref, random.IntN(1e7), random.IntN(100), random.IntN(400)),
		MaxAttempts: 5,
		CreatedAt:   accepted,
		BudgetFrom:  accepted,
	}}
	c.addHistory(&d, random)
	return d
}

func (c *Crowd) status(place int, random *rand.Rand) dispatchapy.Status {
	if c.Status != nil {
		return c.Status(place)
	}
	switch n := random.IntN(100); {
	case n < 92:
		return dispatchapy.StatusSuccess
	case n < 96:
		return dispatchapy.StatusFailed
	case n < 98:
		return dispatchapy.StatusStopped
	case n < 99:
		return dispatchapy.StatusHeld
	}
	return dispatchapy.StatusPending
}

// addHistory adds the attempts that a task of its state would have.
func (c *Crowd) addHistory(d *store.TaskDetail, random *rand.Rand) {
	t := &d.Task
	at := t.CreatedAt.Add(time.Duration(random.IntN(40)) * time.Millisecond)
	switch t.Status {
	case dispatchapy.StatusHeld:
		d.Log = append(d.Log, dispatchapy.LogEntry{At: t.CreatedAt, Message: "held: client holds its tasks", Kind: dispatchapy.LogHeld})
		return
	case dispatchapy.StatusPending:
		t.RunAt = c.Until.Add(24 * time.Hour)
	case dispatchapy.StatusStopped:
		t.FinishedAt = at
		return
	}
	failures := random.IntN(2)
	if t.Status == dispatchapy.StatusFailed {
		failures = t.MaxAttempts
		t.LastError = "all 5 attempts are spent: HTTP 503 Service Unavailable"
	}
	for range failures {
		c.addAttempt(d, at, random, dispatchapy.OutcomeFailed, 503, `{"error":"overloaded"}`)
		at = at.Add(3 * time.Second)
	}
	if t.Status == dispatchapy.StatusSuccess {
		c.addAttempt(d, at, random, dispatchapy.OutcomeDelivered, 200, `{"status":"ok"}`)
	}
	if t.Status.Finished() {
		t.FinishedAt = at.Add(80 * time.Millisecond)
	}
}

func (c *Crowd) addAttempt(d *store.TaskDetail, at time.Time, random *rand.Rand, outcome dispatchapy.AttemptOutcome, code int, answer string) {
	a := dispatchapy.Attempt{
		Number: len(d.Attempts) + 1, ResourceID: pick(c.Resources, random), Outcome: outcome, StatusCode: code,
		RequestBody: d.Task.Source, ResponseBody: []byte(answer), StartedAt: at, Duration: time.Duration(20+random.IntN(200)) * time.Millisecond,
		Place: 1, Routes: 2,
	}
	if outcome != dispatchapy.OutcomeDelivered {
		a.Error, a.Detail = dispatchapy.ErrorStatus5xx, fmt.Sprintf("HTTP %d", code)
	}
	d.Attempts = append(d.Attempts, a)
	d.Task.AttemptCount, d.Task.ResourceID = len(d.Attempts), a.ResourceID
}

func pick[T any](list []T, random *rand.Rand) T { return list[random.IntN(len(list))] }
