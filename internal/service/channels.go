package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
)

// ChannelUses says what names a channel. A rule that names none goes through
// all of them.
type ChannelUses struct {
	Rules     []string // of the settings, by their keys
	Resources []string // with rules of their own that name it
	Endpoints []string // likewise
}

// ChannelUses gives what names a channel.
func (s *Service) ChannelUses(_ context.Context, p dispatchapy.Principal, name string) (ChannelUses, error) {
	if err := require(p, dispatchapy.ReadSettings); err != nil {
		return ChannelUses{}, err
	}
	cfg := s.table.Load().Config
	if channelIndex(&cfg.Settings, name) < 0 {
		return ChannelUses{}, noChannel(name)
	}
	var uses ChannelUses
	for _, rule := range settingsRules(&cfg.Settings.Alerts) {
		if slices.Contains(*rule.channels, name) {
			uses.Rules = append(uses.Rules, rule.key)
		}
	}
	for i := range cfg.Resources {
		if r := &cfg.Resources[i]; r.Alerts != nil && anyNames(resourceRules(r.Alerts), name) {
			uses.Resources = append(uses.Resources, r.Name)
		}
	}
	for i := range cfg.Endpoints {
		if e := &cfg.Endpoints[i]; e.Alerts != nil && anyNames(endpointRules(e.Alerts), name) {
			uses.Endpoints = append(uses.Endpoints, e.Path)
		}
	}
	return uses, nil
}

// SaveChannel changes the channel of a name, or adds one if the name is "", in
// the settings, which are at version expect. edit gets it with its secrets
// masked; those that it leaves so stay as they are. It may be called several
// times. Renaming rewrites the rules that name it. The error can be a
// *ConflictError.
func (s *Service) SaveChannel(ctx context.Context, p dispatchapy.Principal, name string, expect *int64, edit func(*dispatchapy.Channel) error) error {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return err
	}
	place := -1
	err := s.changeChannels(ctx, p, expect, func(draft *dispatchapy.Config, stored, edited *dispatchapy.Settings) error {
		place = channelIndex(stored, name)
		if name != "" && place < 0 {
			return noChannel(name)
		}
		if place < 0 {
			place = len(edited.Alerts.Channels)
			edited.Alerts.Channels = append(edited.Alerts.Channels, dispatchapy.Channel{})
			return edit(&edited.Alerts.Channels[place])
		}
		channel := &edited.Alerts.Channels[place]
		if err := edit(channel); err != nil {
			return err
		}
		if channel.Name != name {
			if channelIndex(stored, channel.Name) >= 0 {
				return invalid("name", fmt.Sprintf("there is another channel %q: names must be unique", channel.Name))
			}
			stored.Alerts.Channels[place].Name = channel.Name // so that its secrets are found
			replaceChannel(draft, edited, name, channel.Name)
		}
		return nil
	})
	return strippedOf(err, fmt.Sprintf("alerts.channels[%d].", place))
}

// DeleteChannel takes a channel out of the settings, which are at version
// expect, and out of the rules that name it.
func (s *Service) DeleteChannel(ctx context.Context, p dispatchapy.Principal, name string, expect *int64) error {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return err
	}
	return s.changeChannels(ctx, p, expect, func(draft *dispatchapy.Config, _, edited *dispatchapy.Settings) error {
		place := channelIndex(edited, name)
		if place < 0 {
			return noChannel(name)
		}
		edited.Alerts.Channels = slices.Delete(edited.Alerts.Channels, place, place+1)
		replaceChannel(draft, edited, name, "")
		return nil
	})
}

// changeChannels changes the settings, and the rules of a draft that name
// channels. edit gets a copy of the stored settings, with which masked secrets
// are looked up, and one to be changed.
func (s *Service) changeChannels(
	ctx context.Context, p dispatchapy.Principal, expect *int64, edit func(draft *dispatchapy.Config, stored, edited *dispatchapy.Settings) error,
) error {
	var draft *dispatchapy.Config
	_, err := s.change(ctx, p, false, func(current *dispatchapy.Config) (*dispatchapy.Config, []Change, error) {
		draft = draftOf(current)
		stored := gatewayfile.Clone(&current.Settings)
		err := editSettingsAs(draft, stored, expect, func(edited *dispatchapy.Settings) error { return edit(draft, stored, edited) })
		if err != nil {
			return nil, nil, err
		}
		changes, err := gatewayfile.Compare(current, draft)
		return draft, changes, err
	})
	if err != nil {
		return locate(err, draft, "settings.")
	}
	return nil
}

func channelIndex(s *dispatchapy.Settings, name string) int {
	return slices.IndexFunc(s.Alerts.Channels, func(c dispatchapy.Channel) bool { return c.Name == name })
}

func noChannel(name string) error {
	return dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no channel %q", name)
}

// strippedOf takes a prefix off the paths of faults.
func strippedOf(err error, prefix string) error {
	var known *dispatchapy.Error
	var conflict *ConflictError
	if errors.As(err, &conflict) || !errors.As(err, &known) || len(known.Fields) == 0 {
		return err
	}
	stripped := *known
	stripped.Fields = slices.Clone(known.Fields)
	for i := range stripped.Fields {
		stripped.Fields[i].Path = strings.TrimPrefix(stripped.Fields[i].Path, prefix)
	}
	return &stripped
}

// replaceChannel has all rules name another channel; "" for to: none in its
// place. Objects of the draft share their insides with the configuration in
// force, and are copied before.
func replaceChannel(draft *dispatchapy.Config, settings *dispatchapy.Settings, from, to string) {
	replaceIn(settingsRules(&settings.Alerts), from, to)
	for i := range draft.Resources {
		r := &draft.Resources[i]
		if r.Alerts == nil || !anyNames(resourceRules(r.Alerts), from) {
			continue
		}
		*r = *gatewayfile.Clone(r)
		replaceIn(resourceRules(r.Alerts), from, to)
	}
	for i := range draft.Endpoints {
		e := &draft.Endpoints[i]
		if e.Alerts == nil || !anyNames(endpointRules(e.Alerts), from) {
			continue
		}
		*e = *gatewayfile.Clone(e)
		replaceIn(endpointRules(e.Alerts), from, to)
	}
}

func replaceIn(rules []channelRule, from, to string) {
	for _, rule := range rules {
		switch {
		case !slices.Contains(*rule.channels, from):
		case to == "":
			*rule.channels = without(*rule.channels, from)
		default:
			*rule.channels = replaced(*rule.channels, from, to)
		}
	}
}

func anyNames(rules []channelRule, name string) bool {
	return slices.ContainsFunc(rules, func(rule channelRule) bool { return slices.Contains(*rule.channels, name) })
}

// channelRule is what a rule says of channels.
type channelRule struct {
	key      string // of the gateway file
	channels *[]string
}

func resourceRules(a *dispatchapy.ResourceAlerts) []channelRule {
	return []channelRule{
		{"resource_down", &a.ResourceDown.Channels}, {"resource_flapping", &a.ResourceFlapping.Channels},
		{"resource_saturated", &a.ResourceSaturated.Channels}, {"breaker_open", &a.BreakerOpen.Channels},
		{"certificate_expiring", &a.CertificateExpiring.Channels},
	}
}

func endpointRules(a *dispatchapy.EndpointAlerts) []channelRule {
	return []channelRule{
		{"endpoint_on_backup", &a.EndpointOnBackup.Channels}, {"endpoint_down", &a.EndpointDown.Channels},
		{"backlog_old", &a.BacklogOld.Channels}, {"failures_high", &a.FailuresHigh.Channels}, {"task_failed", &a.TaskFailed.Channels},
	}
}

func settingsRules(a *dispatchapy.Alerts) []channelRule {
	return []channelRule{
		{"resource_down", &a.ResourceDown.Channels}, {"resource_flapping", &a.ResourceFlapping.Channels},
		{"resource_saturated", &a.ResourceSaturated.Channels}, {"breaker_open", &a.BreakerOpen.Channels},
		{"certificate_expiring", &a.CertificateExpiring.Channels}, {"endpoint_on_backup", &a.EndpointOnBackup.Channels},
		{"endpoint_down", &a.EndpointDown.Channels}, {"backlog_old", &a.BacklogOld.Channels},
		{"failures_high", &a.FailuresHigh.Channels}, {"task_failed", &a.TaskFailed.Channels},
		{"config_changed", &a.ConfigChanged.Channels}, {"login_throttled", &a.LoginThrottled.Channels},
	}
}
