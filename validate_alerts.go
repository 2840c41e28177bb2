package dispatchapy

import (
	"strings"
	"time"
)

func (a *Alerts) validate(at place) {
	if a.BaseURL != "" {
		at.field("base_url").url(a.BaseURL)
		at.field("base_url").check(!strings.ContainsAny(a.BaseURL, "?#"), "must be an address without ? and #, like https://gateway.example.com")
	}
	at.field("channels").check(len(a.Channels) <= MaxChannels, "must have at most %d entries", MaxChannels)
	names := make(map[string]bool, len(a.Channels))
	for i := range a.Channels {
		c := at.item("channels", i)
		c.unique(names, "name", a.Channels[i].Name)
		a.Channels[i].validate(c)
	}
	every := ResourceAlerts{a.ResourceDown, a.ResourceFlapping, a.ResourceSaturated, a.BreakerOpen, a.CertificateExpiring}
	every.validate(at)
	endpoints := EndpointAlerts{a.EndpointOnBackup, a.EndpointDown, a.BacklogOld, a.FailuresHigh, a.TaskFailed}
	endpoints.validate(at)
	at.field("config_changed").channels(a.ConfigChanged.Channels)
	at.field("login_throttled").channels(a.LoginThrottled.Channels)
}

// validate checks what is given: of an override, what it leaves out is as in
// the settings.
func (a *ResourceAlerts) validate(at place) {
	at.field("resource_down").channels(a.ResourceDown.Channels)
	at.field("resource_flapping").channels(a.ResourceFlapping.Channels)
	a.ResourceSaturated.validate(at.field("resource_saturated"))
	a.BreakerOpen.validate(at.field("breaker_open"))
	certificate := at.field("certificate_expiring")
	certificate.channels(a.CertificateExpiring.Channels)
	certificate.field("days").check(len(a.CertificateExpiring.Days) <= 10, "must have at most 10 entries")
	for i, days := range a.CertificateExpiring.Days {
		between(certificate.item("days", i), days, 1, MaxCertificateDays)
	}
}

func (a *EndpointAlerts) validate(at place) {
	a.EndpointOnBackup.validate(at.field("endpoint_on_backup"))
	at.field("endpoint_down").channels(a.EndpointDown.Channels)
	a.BacklogOld.validate(at.field("backlog_old"))
	f, failures := &a.FailuresHigh, at.field("failures_high")
	failures.channels(f.Channels)
	if f.Of != "" {
		oneOf(failures.field("of"), f.Of, FailuresOfTasks, FailuresOfAttempts)
	}
	if f.Percent != 0 {
		between(failures.field("percent"), f.Percent, 1, 99)
	}
	if f.Within != 0 {
		between(failures.field("within"), f.Within, MinFailuresWindow, MaxFailuresWindow)
	}
	failures.field("at_least").check(f.AtLeast >= 0 && f.AtLeast <= MaxRate, "must be between 1 and %d", MaxRate)
	at.field("task_failed").channels(a.TaskFailed.Channels)
}

func (a *LastingAlert) validate(at place) {
	at.channels(a.Channels)
	if a.For != 0 {
		between(at.field("for"), a.For, Duration(time.Second), MaxAlertWindow)
	}
}

// channels checks the channels of a rule.
func (p place) channels(names []string) {
	for i, name := range names {
		at := p.item("channels", i)
		at.check(p.v.channels[name], "there is no channel %q among %s", name, strings.Join(sortedKeys(p.v.channels), ", "))
	}
	p.field("channels").unrepeated(names)
}

func (p place) unrepeated(names []string) {
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		p.index(i).check(!seen[name], "%q is repeated", name)
		seen[name] = true
	}
}
