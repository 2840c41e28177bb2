package httpapi

import (
	"dispatchapy/internal/service"
)

// timelineEntry is an entry of a task's timeline. What does not belong to its kind is
// absent.
type timelineEntry struct {
	At         *timestamp           `json:"at" nullable:"true" doc:"Null: at this timelineEntry; of queued and retry_scheduled when the task is due"`
	Kind       service.TimelineKind `json:"kind" enum:"received,submitted,resent,held,released,override,passed_over,attempt,broken_off,retried,stopped,deleted,restored,delivered,failed,note,queued,retry_scheduled,waiting,sending"`
	Text       string               `json:"text,omitempty" doc:"What the kind does not say"`
	By         string               `json:"by,omitempty" doc:"Who did it"`
	Task       int64                `json:"task,omitempty" doc:"The task that it was made from, or that takes its place"`
	Resource   string               `json:"resource,omitempty"`
	Rule       *timelineRule        `json:"rule,omitempty"`
	Attempt    int                  `json:"attempt,omitempty" doc:"Its number"`
	Place      int                  `json:"place,omitempty" doc:"Of the resource in failover order, from 1"`
	Routes     int                  `json:"routes,omitempty" doc:"How many resources there were"`
	PassedOver []passedOver         `json:"passed_over,omitempty"`
	Waiting    []route              `json:"waiting,omitempty" doc:"What keeps each resource from taking it"`
}

// timelineRule is a development rule that was applied.
type timelineRule struct {
	Origin string `json:"origin" enum:"client,endpoint"`
	Rule   int    `json:"rule" doc:"Its place, from 0"`
	Param  string `json:"param"`
	Before string `json:"before" doc:"JSON, shortened; empty if there was no value"`
	After  string `json:"after"`
}

// passedOver is a resource that was not tried.
type passedOver struct {
	Resource string `json:"resource"`
	Why      string `json:"why" doc:"switched off, down, failing, paused, full or rate limited; refused: it had refused the message before"`
}

func newTimelineEntry(e *service.TimelineEntry) timelineEntry {
	out := timelineEntry{
		At: optionalTime(e.At), Kind: e.Kind, Text: e.Text, By: e.By, Task: e.Task, Resource: e.Resource,
		Attempt: e.Attempt, Place: e.Place, Routes: e.Routes, PassedOver: newPassedOver(e.PassedOver),
	}
	if e.Rule != nil {
		out.Rule = &timelineRule{Origin: e.Rule.Origin, Rule: e.Rule.Rule, Param: e.Rule.Param, Before: e.Rule.Before, After: e.Rule.After}
	}
	if len(e.Waiting) > 0 {
		out.Waiting = newRoutes(e.Waiting)
	}
	return out
}

func newPassedOver(list []service.PassedOver) []passedOver {
	out := make([]passedOver, len(list))
	for i, p := range list {
		out[i] = passedOver(p)
	}
	return out
}

func newRoutes(states []service.RouteState) []route {
	out := make([]route, len(states))
	for i, r := range states {
		out[i] = route{
			Resource: r.Resource, Usable: r.Reason == "", Reason: string(r.Reason), WaitMS: milliseconds(r.Wait), Refused: r.Refused,
		}
	}
	return out
}
