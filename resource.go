package dispatchapy

import "encoding/json"

// Resource is a provider's API to which messages are delivered.
type Resource struct {
	ID      int64 `json:"-"` // 0 until stored; never reused
	Version int64 `json:"-"` // of the configuration that changed it last

	Name           string            `json:"name"`
	URL            string            `json:"url"`
	Method         string            `json:"method,omitempty"` // default POST
	Headers        map[string]Secret `json:"headers,omitempty"`
	RequiredParams []string          `json:"required_params,omitempty"` // target keys that a mapping must fill
	Active         *bool             `json:"active,omitempty"`          // default true
	Timeout        Duration          `json:"timeout,omitempty"`         // for one attempt, default 15s

	// Concurrency limits the requests in flight on one node, 0: no limit of its own.
	Concurrency int        `json:"concurrency,omitempty"`
	RateLimit   *RateLimit `json:"rate_limit,omitempty"`

	HealthCheck HealthCheck   `json:"health_check"`
	Maintenance []Maintenance `json:"maintenance,omitempty"` // planned
	Notify      *Notify       `json:"notify,omitempty"`

	Alerts *ResourceAlerts `json:"alerts,omitempty"`
}

// RateLimit allows Requests per Per on one node, spread evenly, with bursts of
// up to Burst requests, or of 20 ms' worth of them if that is more.
type RateLimit struct {
	Requests int      `json:"requests"`
	Per      Duration `json:"per,omitempty"`   // default 1s
	Burst    int      `json:"burst,omitempty"` // default 1
}

// CheckMethod is how a health check asks a resource.
type CheckMethod string

// The check methods.
const (
	CheckSimple CheckMethod = "simple" // TCP connect to the URL's host and port
	CheckActual CheckMethod = "actual" // a real request with the test values; 2xx is healthy
)

// HealthCheck says how a resource's health is watched.
type HealthCheck struct {
	Enabled    bool                       `json:"enabled"`
	Method     CheckMethod                `json:"method,omitempty"`      // default simple
	Interval   DurationRange              `json:"interval,omitzero"`     // default 60s to 90s, drawn anew each time
	DownAfter  int                        `json:"down_after,omitempty"`  // consecutive failures, default 1
	UpAfter    int                        `json:"up_after,omitempty"`    // consecutive successes, default 1
	TestValues map[string]json.RawMessage `json:"test_values,omitempty"` // target key -> any JSON with placeholders

	Flap        Flap     `json:"flap,omitzero"`
	RemindEvery Duration `json:"remind_every,omitempty"` // while it is down; 0: never
}

// Flap says when a resource changes between up and down too often to tell
// people each time: more than Changes times within Within. That ends when it has
// not changed for as long.
type Flap struct {
	Changes int      `json:"changes,omitempty"` // default 5
	Within  Duration `json:"within,omitempty"`  // default 10m
}

// IsActive reports whether the resource is switched on.
func (r *Resource) IsActive() bool { return isOn(r.Active) }

// isOn reads a switch that is on unless set otherwise.
func isOn(b *bool) bool { return b == nil || *b }
