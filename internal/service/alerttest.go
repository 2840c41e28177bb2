package service

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/store"
)

const (
	maxAlertTests = 2                // at the same time
	alertTestFor  = 20 * time.Second // one may take
)

// Alerter words what is said through a channel, and sends a test message through
// it at once. resource is whose own notice the channel is; nil: nobody's.
type Alerter interface {
	PreviewAlert(c *dispatchapy.Channel, resource *dispatchapy.Resource) dispatchapy.AlertPreview
	TestAlert(ctx context.Context, c *dispatchapy.Channel, resource *dispatchapy.Resource) dispatchapy.AlertTest
}

// AlertTestInput is a channel to be tried, saved or not. Its secrets may be
// masked: they stand for those of the saved channel of the same name, or of the
// resource's notice, where that leads to the same place.
type AlertTestInput struct {
	Channel  dispatchapy.Channel
	Resource string // whose own notice it is; "": a channel of the settings
}

// TestAlert sends one real message, marked as a test, through a channel. That
// nobody takes it is a result and no error.
//
// Failure policy: fail closed. What cannot be written into the audit log is not
// sent.
func (s *Service) TestAlert(ctx context.Context, p dispatchapy.Principal, in AlertTestInput) (dispatchapy.AlertTest, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return dispatchapy.AlertTest{}, err
	}
	stored := s.table.Load().Config
	var resource *dispatchapy.Resource
	if in.Resource != "" {
		if resource = stored.Resource(in.Resource); resource == nil {
			return dispatchapy.AlertTest{}, invalid("resource", "there is no resource of this name")
		}
	}
	channel, err := in.channel(stored, resource)
	if err != nil {
		return dispatchapy.AlertTest{}, err
	}
	if s.alertTests.Add(1) > maxAlertTests {
		s.alertTests.Add(-1)
		return dispatchapy.AlertTest{}, dispatchapy.Errorf(dispatchapy.CodeLimited, "%d test alerts are under way: wait for one of them to end", maxAlertTests)
	}
	defer s.alertTests.Add(-1)
	if err := s.noteAlertTest(ctx, p, channel, resource); err != nil {
		return dispatchapy.AlertTest{}, err
	}
	trying, cancel := context.WithTimeout(ctx, alertTestFor)
	defer cancel()
	return s.alerter.TestAlert(trying, channel, resource), nil
}

// PreviewAlert words what a channel, saved or not, would say if a resource went
// down now: the named one, or an example. Nothing is sent, and nothing needs to
// be right yet.
func (s *Service) PreviewAlert(_ context.Context, p dispatchapy.Principal, in AlertTestInput) (dispatchapy.AlertPreview, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return dispatchapy.AlertPreview{}, err
	}
	if in.Channel.Email == nil && in.Channel.Webhook == nil {
		return dispatchapy.AlertPreview{}, invalid("channel", "must have exactly one of email and webhook")
	}
	var resource *dispatchapy.Resource
	if in.Resource != "" {
		if resource = s.table.Load().Config.Resource(in.Resource); resource == nil {
			return dispatchapy.AlertPreview{}, invalid("resource", "there is no resource of this name")
		}
	}
	return s.alerter.PreviewAlert(&in.Channel, resource), nil
}

// channel gives the channel with its secrets and its defaults, switched on.
func (in *AlertTestInput) channel(stored *dispatchapy.Config, resource *dispatchapy.Resource) (*dispatchapy.Channel, error) {
	c := gatewayfile.Clone(&in.Channel) // secrets go into it that are not the caller's to have
	if c.Name == "" {
		c.Name = "test"
	}
	on := true
	if c.Email != nil {
		c.Email.Enabled = &on
	}
	if c.Webhook != nil {
		c.Webhook.Enabled = &on
	}
	trial := &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}
	trial.Settings.Alerts.Channels = []dispatchapy.Channel{*c}
	trial.Settings.Normalize()
	edited := &trial.Settings.Alerts.Channels[0]
	if resource != nil {
		own := dispatchapy.Resource{Notify: &dispatchapy.Notify{Webhook: edited.Webhook}}
		own.KeepMasked(resource)
	} else {
		trial.Settings.KeepMasked(&stored.Settings)
	}
	if faults := webhookStillMasked("channel.webhook", edited.Webhook); len(faults) > 0 {
		return nil, invalidFields(faults)
	}
	return edited, inRequest(trial.Validate(), "settings.alerts.channels[0]", "channel")
}

// inRequest words a refusal of what stands at a path of the configuration as one
// of what stands at a path of the request.
func inRequest(err error, path, asked string) error {
	known, ok := errors.AsType[*dispatchapy.Error](err)
	if !ok {
		return err
	}
	out := *known
	out.Message, out.Fields = "the request is not valid", slices.Clone(known.Fields)
	for i := range out.Fields {
		out.Fields[i].Path = asked + strings.TrimPrefix(out.Fields[i].Path, path)
	}
	return &out
}

// noteAlertTest says in the audit log whom or where the gateway sends to.
func (s *Service) noteAlertTest(ctx context.Context, p dispatchapy.Principal, c *dispatchapy.Channel, resource *dispatchapy.Resource) error {
	entry := store.AuditEntry{At: time.Now(), By: p.Name, Action: "test", Kind: store.KindSettings, Name: settingsName}
	if resource != nil {
		entry.Kind, entry.Name, entry.ObjectID = store.KindResource, resource.Name, resource.ID
	}
	if c.Email != nil {
		entry.Detail = "sent a test alert by email to " + strings.Join(c.Email.To, ", ")
	} else {
		entry.Detail = "sent a test alert to " + dispatchapy.MaskURL(c.Webhook.URL)
	}
	return storeError(s.store.AppendAudit(ctx, []store.AuditEntry{entry}))
}
