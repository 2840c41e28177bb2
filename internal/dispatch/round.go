package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
	"dispatchapy/internal/transform"
)

// offer carries one round: a task is offered to its endpoint's resources in
// order, one attempt each, until one accepts it.
type offer struct {
	d        *Dispatcher
	task     *dispatchapy.Task
	endpoint *routing.Endpoint
	round    round
	passed   []dispatchapy.PassedOver // so far in this round
	log      []dispatchapy.LogEntry
	started  func() // called with every place at a resource that is held
	broken   bool   // we broke off: shutdown, or the lease is lost
}

// runRound does a round of a leased task and gives its outcome. It returns
// early, without having spent an attempt, when ctx is cancelled. started is
// called once it holds a place at a resource; it may never get one.
func (d *Dispatcher) runRound(ctx context.Context, leased *store.Leased, started func()) store.Outcome {
	snapshot := d.table.Load()
	task := &leased.Task
	out := store.Outcome{Lease: leased.Lease}
	endpoint := snapshot.EndpointByID(task.EndpointID)
	if endpoint == nil {
		return d.fail(out, task, "its endpoint was deleted")
	}
	if age := endpoint.Retry.MaxAge; age > 0 && time.Since(task.BudgetFrom) > age.Std() {
		return d.fail(out, task, fmt.Sprintf("not delivered within %s: %s", age, firstOf(task.LastError, "no resource could take it")))
	}
	payload, applied, err := endpoint.Message(snapshot.ClientByID(task.ClientID), task.Source)
	if err != nil { // cannot happen: the intake has checked it
		return d.fail(out, task, "the payload cannot be read: "+err.Error())
	}
	o := &offer{d: d, task: task, endpoint: endpoint, started: started, round: round{refused: slices.Clone(task.Refused)}}
	for _, route := range endpoint.Routes {
		o.round.routes = append(o.round.routes, route.Resource.ID)
	}
	if task.AttemptCount == 0 {
		for _, a := range applied {
			o.noteRule(a)
		}
	}
	o.run(ctx, payload)
	return o.outcome(out)
}

func (o *offer) run(ctx context.Context, payload transform.Payload) {
	var passed []string
	for i := range o.endpoint.Routes {
		route := &o.endpoint.Routes[i]
		if o.task.AttemptCount+len(o.round.attempts) >= o.task.MaxAttempts {
			return
		}
		if slices.Contains(o.round.refused, route.Resource.ID) {
			o.pass(route, refusedBefore)
			continue
		}
		permit, why := o.d.available.Acquire(route.Resource)
		if permit == nil {
			o.pass(route, string(why))
			passed = append(passed, fmt.Sprintf("%s is %s", route.Resource.Name, why))
			continue
		}
		o.started()
		if len(passed) > 0 {
			o.note(dispatchapy.LogPassedOver, fmt.Sprintf("going to %s: %s", route.Resource.Name, strings.Join(passed, ", ")),
				dispatchapy.LogData{Resource: route.Resource.ID})
			passed = nil
		}
		if done := o.try(ctx, i, permit, payload); done {
			return
		}
	}
}

// refusedBefore is why a resource is passed over that has refused the message.
const refusedBefore = "refused"

func (o *offer) pass(route *routing.Route, why string) {
	o.passed = append(o.passed, dispatchapy.PassedOver{ResourceID: route.Resource.ID, Why: why})
}

// try makes one attempt at a place of the order, from 0, and reports whether
// the round is over.
func (o *offer) try(ctx context.Context, place int, permit *routing.Permit, payload transform.Payload) (done bool) {
	route := &o.endpoint.Routes[place]
	resource := route.Resource
	attempt := dispatchapy.Attempt{
		Number:     o.task.AttemptBase + o.task.AttemptCount + len(o.round.attempts) + 1,
		ResourceID: resource.ID,
		StartedAt:  time.Now(),
		Place:      place + 1,
		Routes:     len(o.endpoint.Routes),
		PassedOver: slices.Clone(o.passed),
	}
	seed := routing.NewSeed(o.d.instanceKey, o.task, resource.ID)
	body, err := route.Body(payload, seed, attempt.StartedAt)
	if err != nil {
		// The message does not fit this resource and will not fit it later.
		permit.GiveBack()
		attempt.Outcome, attempt.Error, attempt.Detail = dispatchapy.OutcomeRefused, dispatchapy.ErrorTransform, err.Error()
		o.add(resource, attempt)
		return false
	}
	result := o.d.sender.Do(ctx, &resource.Target, seed.IdempotencyKey(), body)
	if !result.CertificateEnds.IsZero() {
		o.d.observe.Certificate(resource.ID, result.CertificateEnds)
	}
	if result.Canceled {
		permit.GiveBack()
		o.broken = true
		o.note(dispatchapy.LogBrokenOff, fmt.Sprintf("sending to %s was broken off; it may have been received", resource.Name),
			dispatchapy.LogData{Resource: resource.ID})
		return true
	}
	if result.NotSent {
		// Our fault, not the resource's, and the next one would fare no better.
		permit.GiveBack()
		o.d.warnNotSent(result.Detail)
		return true
	}
	if state := permit.Done(alive(result), result.RetryAfter); state != "" {
		o.d.log.Warn("circuit breaker changed", "resource", resource.Name, "state", string(state), "detail", result.Detail)
		o.d.changes.Publish(dispatchapy.Change{Kind: dispatchapy.ChangeResource, ID: resource.ID, State: string(state)})
	}
	attempt.RequestBody = body
	attempt.Outcome = result.Outcome
	attempt.StatusCode = result.StatusCode
	attempt.Error = result.Error
	attempt.Detail = result.Detail
	attempt.ResponseBody = result.Body
	attempt.StartedAt = result.StartedAt
	attempt.Duration = result.Duration
	attempt.Timing = result.Timing
	attempt.Exchange = result.Exchange
	o.add(resource, attempt)
	return attempt.Outcome == dispatchapy.OutcomeDelivered
}

func (o *offer) add(resource *routing.Resource, a dispatchapy.Attempt) {
	o.round.attempts = append(o.round.attempts, a)
	if a.Outcome == dispatchapy.OutcomeRefused {
		o.round.refused = append(o.round.refused, resource.ID)
	}
	o.d.observe.Attempt(resource.Name, a)
}

// alive says whether a result speaks for the resource: it answered, and not
// with a fault of its own. Throttling is an answer.
func alive(r deliver.Result) bool {
	return r.StatusCode > 0 && r.StatusCode < 500
}

func (o *offer) note(kind dispatchapy.LogKind, message string, about dispatchapy.LogData) {
	o.log = append(o.log, dispatchapy.LogEntry{At: time.Now(), Message: message, Kind: kind, Data: about})
}

func (o *offer) noteRule(a transform.Applied) {
	before, after := a.Excerpts()
	o.note(dispatchapy.LogOverride, a.String(),
		dispatchapy.LogData{Origin: a.Origin, Rule: a.Rule, Param: a.Param, Before: before, After: after})
}

func (o *offer) outcome(out store.Outcome) store.Outcome {
	now := time.Now()
	if len(o.round.attempts) == 0 && !o.broken {
		o.log = nil // nothing was done; a task that is turned away often would fill its log
		// Where no resource has room at all the lane waits for one, and the
		// task is due as soon as the lane goes on.
		if room, _ := availableAt(o.endpoint, o.d.available); room > 0 {
			o.round.idle = o.d.lanes.turnAway(o.task.EndpointID, now)
		}
	}
	v := decide(o.task, o.round, o.endpoint.Retry, now, o.d.random())
	if o.broken && v.action == dispatchapy.ActionRelease {
		v.retryIn = 0
	}
	out.Status, _ = v.action.Next(dispatchapy.StatusProcessing)
	out.RetryIn = v.retryIn
	out.LastError = v.reason
	out.Attempts = o.round.attempts
	out.Refused = o.round.refused
	out.Log = o.log
	if n := len(out.Attempts); n > 0 {
		out.ResourceID = out.Attempts[n-1].ResourceID
	}
	if v.action == dispatchapy.ActionFail {
		out.Log = append(out.Log, dispatchapy.LogEntry{At: now, Message: v.reason, Kind: dispatchapy.LogFailed})
		out.Events = []dispatchapy.Event{failedEvent(o.task, v.reason, now)}
	}
	return out
}

// fail gives the outcome of a task that cannot even be offered.
func (d *Dispatcher) fail(out store.Outcome, task *dispatchapy.Task, reason string) store.Outcome {
	now := time.Now()
	out.Status = dispatchapy.StatusFailed
	out.LastError = reason
	out.Refused = task.Refused
	out.Log = []dispatchapy.LogEntry{{At: now, Message: reason, Kind: dispatchapy.LogFailed}}
	out.Events = []dispatchapy.Event{failedEvent(task, reason, now)}
	return out
}

func failedEvent(task *dispatchapy.Task, reason string, now time.Time) dispatchapy.Event {
	return dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, At: now, EndpointID: task.EndpointID, TaskID: task.ID, Detail: reason}
}
