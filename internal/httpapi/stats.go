package httpapi

import (
	"context"
	"net/http"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

type statsInput struct {
	Since    time.Time `query:"since" doc:"From the full hour before; a day before until if left out"`
	Until    time.Time `query:"until" doc:"To the full hour after; now if left out"`
	Bucket   string    `query:"bucket" maxLength:"40" doc:"Length of a bucket in full hours, like 1h or 24h; everything in one if left out" example:"1h"`
	Group    string    `query:"group" enum:"endpoint,client,resource,scope" doc:"All together if left out"`
	Endpoint string    `query:"endpoint" doc:"Path"`
	Client   string    `query:"client" doc:"Name"`
	Resource string    `query:"resource" doc:"Name, of the last attempt where tasks are counted"`
	Scope    string    `query:"scope"`
}

// stats is no page: its size is bounded.
type stats struct {
	Since timestamp  `json:"since"`
	Until timestamp  `json:"until"`
	Items []statsRow `json:"items" doc:"By time, then by group. What has nothing to count is absent"`
}

type statsRow struct {
	Start          timestamp `json:"start" doc:"Of the bucket"`
	Name           string    `json:"name" doc:"Of the endpoint, client or resource, or the scope; empty where all are together"`
	Delivered      int64     `json:"delivered" doc:"Tasks"`
	Failed         int64     `json:"failed" doc:"Tasks"`
	SuccessRate    *float64  `json:"success_rate" doc:"Of the tasks that came to an end, 0 to 1; null if none did"`
	Attempts       int64     `json:"attempts" doc:"Requests to resources"`
	FailedAttempts int64     `json:"failed_attempts"`
	DeliveryMS     quantiles `json:"delivery_ms" doc:"From accepting a task to its delivery"`
	AttemptMS      quantiles `json:"attempt_ms" doc:"Duration of a request"`
}

type quantiles struct {
	P50 *float64 `json:"p50" doc:"An estimate; null if there is nothing to measure"`
	P95 *float64 `json:"p95"`
}

// load is what is unfinished at this moment.
type load struct {
	Waiting  int    `json:"waiting" doc:"Tasks pending or being sent"`
	InFlight int    `json:"in_flight" doc:"Of those, being sent by this node"`
	Held     int    `json:"held"`
	Lanes    []lane `json:"lanes" doc:"Of endpoints that have unfinished tasks, by path"`
}

type lane struct {
	Endpoint string     `json:"endpoint"`
	Waiting  int        `json:"waiting"`
	InFlight int        `json:"in_flight"`
	Held     int        `json:"held"`
	Oldest   *timestamp `json:"oldest" nullable:"true" doc:"When the oldest waiting task was accepted, null if none waits"`
}

func (a *api) registerStats() {
	register(a, operation(http.MethodGet, "/v1/stats", "get-stats", "stats", "Count what became of tasks and requests"),
		func(ctx context.Context, p dispatchapy.Principal, in *statsInput) (*answer[stats], error) {
			input, err := in.input()
			if err != nil {
				return nil, err
			}
			found, err := a.service.Stats(ctx, p, input)
			return &answer[stats]{newStats(&found)}, err
		})
	register(a, operation(http.MethodGet, "/v1/stats/now", "get-load", "stats", "Count what is unfinished"),
		func(ctx context.Context, p dispatchapy.Principal, _ *struct{}) (*answer[load], error) {
			lanes, err := a.service.Load(ctx, p)
			return &answer[load]{newLoad(lanes)}, err
		})
}

func (in *statsInput) input() (service.StatsInput, error) {
	out := service.StatsInput{
		Since: in.Since, Until: in.Until, Group: in.Group,
		Endpoint: in.Endpoint, Client: in.Client, Resource: in.Resource, Scope: in.Scope,
	}
	if in.Bucket == "" {
		return out, nil
	}
	var bucket dispatchapy.Duration
	if err := bucket.UnmarshalText([]byte(in.Bucket)); err != nil || bucket <= 0 {
		return out, &dispatchapy.Error{
			Code: dispatchapy.CodeInvalid, Message: "the request is not valid",
			Fields: []dispatchapy.FieldError{{Path: "bucket", Message: "must be a number of full hours, like 1h or 24h"}},
		}
	}
	out.Bucket = bucket.Std()
	return out, nil
}

func newStats(s *service.Stats) stats {
	out := stats{Since: timestamp(s.Since), Until: timestamp(s.Until), Items: make([]statsRow, len(s.Rows))}
	for i := range s.Rows {
		r := &s.Rows[i]
		out.Items[i] = statsRow{
			Start: timestamp(r.Start), Name: r.Name,
			Delivered: r.Delivered, Failed: r.Failed, Attempts: r.Attempts, FailedAttempts: r.FailedAttempts,
			DeliveryMS: newQuantiles(r.Latency, r.Delivered), AttemptMS: newQuantiles(r.Answer, r.Attempts),
		}
		if ended := r.Delivered + r.Failed; ended > 0 {
			rate := float64(r.Delivered) / float64(ended)
			out.Items[i].SuccessRate = &rate
		}
	}
	return out
}

func newQuantiles(q service.Quantiles, counted int64) quantiles {
	if counted == 0 {
		return quantiles{}
	}
	p50, p95 := milliseconds(q.P50), milliseconds(q.P95)
	return quantiles{P50: &p50, P95: &p95}
}

func newLoad(lanes []service.Lane) load {
	out := load{Lanes: make([]lane, len(lanes))}
	for i, l := range lanes {
		out.Waiting += l.Waiting
		out.InFlight += l.InFlight
		out.Held += l.Held
		out.Lanes[i] = lane{Endpoint: l.Endpoint, Waiting: l.Waiting, InFlight: l.InFlight, Held: l.Held, Oldest: optionalTime(l.Oldest)}
	}
	return out
}
