package dispatchapy

import (
	"slices"
	"time"
)

// Alerts say of what people are told, from when on, and through which
// channels. The keys are the kinds of the events that begin it, with an
// underscore; a rule holds for the event that ends it as well.
type Alerts struct {
	// BaseURL is where people reach the web interface, for links; "": no links.
	BaseURL  string    `json:"base_url,omitempty"`
	Channels []Channel `json:"channels,omitempty"`

	ResourceDown        Alert            `json:"resource_down"` // reminders too
	ResourceFlapping    Alert            `json:"resource_flapping"`
	ResourceSaturated   LastingAlert     `json:"resource_saturated"`
	BreakerOpen         LastingAlert     `json:"breaker_open"`
	CertificateExpiring CertificateAlert `json:"certificate_expiring"`
	EndpointOnBackup    LastingAlert     `json:"endpoint_on_backup"`
	EndpointDown        Alert            `json:"endpoint_down"`
	BacklogOld          LastingAlert     `json:"backlog_old"`
	FailuresHigh        FailuresAlert    `json:"failures_high"`
	TaskFailed          Alert            `json:"task_failed"`
	ConfigChanged       Alert            `json:"config_changed"`
	LoginThrottled      Alert            `json:"login_throttled"`
}

// ResourceAlerts replace parts of the settings' rules for one resource. What is
// left out stays as it is there.
type ResourceAlerts struct {
	ResourceDown        Alert            `json:"resource_down,omitzero"`
	ResourceFlapping    Alert            `json:"resource_flapping,omitzero"`
	ResourceSaturated   LastingAlert     `json:"resource_saturated,omitzero"`
	BreakerOpen         LastingAlert     `json:"breaker_open,omitzero"`
	CertificateExpiring CertificateAlert `json:"certificate_expiring,omitzero"`
}

// EndpointAlerts replace parts of the settings' rules for one endpoint. What is
// left out stays as it is there.
type EndpointAlerts struct {
	EndpointOnBackup LastingAlert  `json:"endpoint_on_backup,omitzero"`
	EndpointDown     Alert         `json:"endpoint_down,omitzero"`
	BacklogOld       LastingAlert  `json:"backlog_old,omitzero"`
	FailuresHigh     FailuresAlert `json:"failures_high,omitzero"`
	TaskFailed       Alert         `json:"task_failed,omitzero"`
}

// Alert is a rule without a threshold.
type Alert struct {
	Enabled  *bool    `json:"enabled,omitempty"`
	Channels []string `json:"channels,omitempty"` // names; none: all
}

// LastingAlert is a rule about what has to last before people are told.
type LastingAlert struct {
	Enabled  *bool    `json:"enabled,omitempty"`
	Channels []string `json:"channels,omitempty"`
	For      Duration `json:"for,omitempty"`
}

// CertificateAlert is a rule about certificates that expire.
type CertificateAlert struct {
	Enabled  *bool    `json:"enabled,omitempty"`
	Channels []string `json:"channels,omitempty"`
	Days     []int    `json:"days,omitempty"` // told at each of them, before the end
}

// FailuresAlert is a rule about the share of tasks or attempts that fail.
type FailuresAlert struct {
	Enabled  *bool      `json:"enabled,omitempty"`
	Channels []string   `json:"channels,omitempty"`
	Of       FailuresOf `json:"of,omitempty"`
	Percent  int        `json:"percent,omitempty"`  // more than this
	Within   Duration   `json:"within,omitempty"`   // of the latest time
	AtLeast  int        `json:"at_least,omitempty"` // so many in that time, failed or not
}

// FailuresOf is what a FailuresAlert counts.
type FailuresOf string

// What can be counted.
const (
	FailuresOfTasks    FailuresOf = "tasks"    // that came to an end
	FailuresOfAttempts FailuresOf = "attempts" // requests to resources
)

// Bounds of alerts.
const (
	MaxChannels        = 100
	MaxAlertWindow     = Duration(24 * time.Hour)
	MinFailuresWindow  = Duration(time.Minute)
	MaxFailuresWindow  = Duration(time.Hour)
	MaxCertificateDays = 365
)

// Normalize brings the settings' rules into their canonical form. People are
// told by default of what keeps messages from their way; not of single tasks,
// nor of limits that somebody set and that hold.
func (a *Alerts) Normalize() {
	for i := range a.Channels {
		a.Channels[i].normalize()
	}
	on, off := true, false
	for _, rule := range []struct {
		enabled **bool
		value   bool
	}{
		{&a.ResourceDown.Enabled, on}, {&a.ResourceFlapping.Enabled, on}, {&a.ResourceSaturated.Enabled, off},
		{&a.BreakerOpen.Enabled, on}, {&a.CertificateExpiring.Enabled, on}, {&a.EndpointOnBackup.Enabled, on},
		{&a.EndpointDown.Enabled, on}, {&a.BacklogOld.Enabled, on}, {&a.FailuresHigh.Enabled, on},
		{&a.TaskFailed.Enabled, off}, {&a.ConfigChanged.Enabled, off}, {&a.LoginThrottled.Enabled, on},
	} {
		value := rule.value
		if *rule.enabled != nil {
			value = **rule.enabled
		}
		*rule.enabled = &value
	}
	setDefault(&a.ResourceSaturated.For, Duration(5*time.Minute))
	setDefault(&a.BreakerOpen.For, Duration(30*time.Second))
	setDefault(&a.EndpointOnBackup.For, Duration(time.Minute))
	setDefault(&a.BacklogOld.For, Duration(15*time.Minute))
	if len(a.CertificateExpiring.Days) == 0 {
		a.CertificateExpiring.Days = []int{21, 7, 1}
	}
	a.CertificateExpiring.normalize()
	f := &a.FailuresHigh
	setDefault(&f.Of, FailuresOfTasks)
	setDefault(&f.Percent, 20)
	setDefault(&f.Within, Duration(10*time.Minute))
	setDefault(&f.AtLeast, 20)
}

// normalize sorts the days, the most first, without repetitions.
func (a *CertificateAlert) normalize() {
	if len(a.Days) == 0 {
		return
	}
	days := slices.Compact(slices.Sorted(slices.Values(a.Days)))
	slices.Reverse(days)
	a.Days = days
}

// ForResource gives the rules that hold for a resource.
func (a *Alerts) ForResource(r *Resource) ResourceAlerts {
	out := ResourceAlerts{
		ResourceDown: a.ResourceDown, ResourceFlapping: a.ResourceFlapping, ResourceSaturated: a.ResourceSaturated,
		BreakerOpen: a.BreakerOpen, CertificateExpiring: a.CertificateExpiring,
	}
	if r == nil || r.Alerts == nil {
		return out
	}
	out.ResourceDown.override(&r.Alerts.ResourceDown)
	out.ResourceFlapping.override(&r.Alerts.ResourceFlapping)
	out.ResourceSaturated.override(&r.Alerts.ResourceSaturated)
	out.BreakerOpen.override(&r.Alerts.BreakerOpen)
	own := &r.Alerts.CertificateExpiring
	overrideRule(&out.CertificateExpiring.Enabled, &out.CertificateExpiring.Channels, own.Enabled, own.Channels)
	if len(own.Days) > 0 {
		out.CertificateExpiring.Days = own.Days
	}
	return out
}

// ForEndpoint gives the rules that hold for an endpoint.
func (a *Alerts) ForEndpoint(e *Endpoint) EndpointAlerts {
	out := EndpointAlerts{
		EndpointOnBackup: a.EndpointOnBackup, EndpointDown: a.EndpointDown, BacklogOld: a.BacklogOld,
		FailuresHigh: a.FailuresHigh, TaskFailed: a.TaskFailed,
	}
	if e == nil || e.Alerts == nil {
		return out
	}
	out.EndpointOnBackup.override(&e.Alerts.EndpointOnBackup)
	out.EndpointDown.override(&e.Alerts.EndpointDown)
	out.BacklogOld.override(&e.Alerts.BacklogOld)
	out.TaskFailed.override(&e.Alerts.TaskFailed)
	f, own := &out.FailuresHigh, &e.Alerts.FailuresHigh
	overrideRule(&f.Enabled, &f.Channels, own.Enabled, own.Channels)
	overrideValue(&f.Of, own.Of)
	overrideValue(&f.Percent, own.Percent)
	overrideValue(&f.Within, own.Within)
	overrideValue(&f.AtLeast, own.AtLeast)
	return out
}

func (a *Alert) override(own *Alert) {
	overrideRule(&a.Enabled, &a.Channels, own.Enabled, own.Channels)
}

func (a *LastingAlert) override(own *LastingAlert) {
	overrideRule(&a.Enabled, &a.Channels, own.Enabled, own.Channels)
	overrideValue(&a.For, own.For)
}

func overrideRule(enabled **bool, channels *[]string, ownEnabled *bool, ownChannels []string) {
	if ownEnabled != nil {
		*enabled = ownEnabled
	}
	if len(ownChannels) > 0 {
		*channels = ownChannels
	}
}

func overrideValue[T comparable](value *T, own T) {
	var zero T
	if own != zero {
		*value = own
	}
}

// Rule gives switch and channels for an event about a resource and an endpoint,
// either of which may be nil.
func (a *Alerts) Rule(kind EventKind, r *Resource, e *Endpoint) Alert {
	resource, endpoint := a.ForResource(r), a.ForEndpoint(e)
	switch kind {
	case EventResourceDown, EventResourceUp, EventResourceReminder:
		return resource.ResourceDown
	case EventResourceFlapping:
		return resource.ResourceFlapping
	case EventResourceSaturated, EventResourceUnsaturated:
		return Alert{resource.ResourceSaturated.Enabled, resource.ResourceSaturated.Channels}
	case EventBreakerOpen, EventBreakerClosed:
		return Alert{resource.BreakerOpen.Enabled, resource.BreakerOpen.Channels}
	case EventCertificateExpiring, EventCertificateRenewed:
		return Alert{resource.CertificateExpiring.Enabled, resource.CertificateExpiring.Channels}
	case EventEndpointOnBackup, EventEndpointOnPrimary:
		return Alert{endpoint.EndpointOnBackup.Enabled, endpoint.EndpointOnBackup.Channels}
	case EventEndpointDown, EventEndpointUp:
		return endpoint.EndpointDown
	case EventBacklogOld, EventBacklogOK:
		return Alert{endpoint.BacklogOld.Enabled, endpoint.BacklogOld.Channels}
	case EventFailuresHigh, EventFailuresOK:
		return Alert{endpoint.FailuresHigh.Enabled, endpoint.FailuresHigh.Channels}
	case EventTaskFailed:
		return endpoint.TaskFailed
	case EventConfigChanged:
		return a.ConfigChanged
	case EventLoginThrottled:
		return a.LoginThrottled
	}
	return Alert{}
}

// IsOn reports whether a rule of normalised settings is switched on.
func (a Alert) IsOn() bool { return isGiven(a.Enabled) }

// IsOn reports whether a rule of normalised settings is switched on.
func (a LastingAlert) IsOn() bool { return isGiven(a.Enabled) }

// IsOn reports whether a rule of normalised settings is switched on.
func (a CertificateAlert) IsOn() bool { return isGiven(a.Enabled) }

// IsOn reports whether a rule of normalised settings is switched on.
func (a FailuresAlert) IsOn() bool { return isGiven(a.Enabled) }

func isGiven(b *bool) bool { return b != nil && *b }
