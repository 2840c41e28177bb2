package dispatchapy

import (
	"maps"
	"slices"
)

// Severity is how much an event matters.
type Severity string

// The severities.
const (
	SeverityCritical Severity = "critical" // messages do not reach anybody: quiet hours do not hold it back
	SeverityWarning  Severity = "warning"
	SeverityInfo     Severity = "info"
)

// eventFacts are what is fixed of a kind of event.
type eventFacts struct {
	severity Severity
	ends     bool // it ends what another one began
}

// factsOf says it of every kind. What ends something matters as much as what
// began it: whoever was woken wants to hear that it is over.
var factsOf = map[EventKind]eventFacts{
	EventResourceDown:        {severity: SeverityWarning},
	EventResourceUp:          {severity: SeverityWarning, ends: true},
	EventResourceFlapping:    {severity: SeverityWarning},
	EventResourceReminder:    {severity: SeverityWarning},
	EventResourceSaturated:   {severity: SeverityWarning},
	EventResourceUnsaturated: {severity: SeverityWarning, ends: true},
	EventBreakerOpen:         {severity: SeverityWarning},
	EventBreakerClosed:       {severity: SeverityWarning, ends: true},
	EventCertificateExpiring: {severity: SeverityWarning},
	EventCertificateRenewed:  {severity: SeverityInfo, ends: true},
	EventEndpointOnBackup:    {severity: SeverityWarning},
	EventEndpointOnPrimary:   {severity: SeverityWarning, ends: true},
	EventEndpointDown:        {severity: SeverityCritical},
	EventEndpointUp:          {severity: SeverityCritical, ends: true},
	EventBacklogOld:          {severity: SeverityCritical},
	EventBacklogOK:           {severity: SeverityCritical, ends: true},
	EventFailuresHigh:        {severity: SeverityCritical},
	EventFailuresOK:          {severity: SeverityCritical, ends: true},
	EventTaskFailed:          {severity: SeverityWarning},
	EventConfigChanged:       {severity: SeverityInfo},
	EventLoginThrottled:      {severity: SeverityWarning},
}

// Severity gives how much an event of the kind matters.
func (k EventKind) Severity() Severity {
	if facts, ok := factsOf[k]; ok {
		return facts.severity
	}
	return SeverityInfo
}

// Ends reports whether an event of the kind says that something is over.
func (k EventKind) Ends() bool { return factsOf[k].ends }

// Over reports whether s matters more than other.
func (s Severity) Over(other Severity) bool { return s.rank() > other.rank() }

func (s Severity) rank() int {
	switch s {
	case SeverityCritical:
		return 2
	case SeverityWarning:
		return 1
	}
	return 0
}

// EventKinds are all kinds of events, in order.
func EventKinds() []EventKind { return slices.Sorted(maps.Keys(factsOf)) }
