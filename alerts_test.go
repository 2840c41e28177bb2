package dispatchapy

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAlertsOfResourcesAndEndpoints(t *testing.T) {
	on, off := true, false
	s := DefaultSettings()
	s.Alerts.ResourceDown.Channels = []string{"ops"}
	s.Alerts.FailuresHigh.Channels = []string{"ops"}

	if diff := cmp.Diff(s.Alerts.ResourceDown, s.Alerts.ForResource(nil).ResourceDown); diff != "" {
		t.Errorf("without a resource: %s", diff)
	}
	r := s.Alerts.ForResource(&Resource{Alerts: &ResourceAlerts{
		ResourceDown:        Alert{Channels: []string{"boss"}},
		ResourceFlapping:    Alert{Enabled: &off},
		ResourceSaturated:   LastingAlert{Enabled: &on},
		BreakerOpen:         LastingAlert{For: Duration(time.Hour)},
		CertificateExpiring: CertificateAlert{Days: []int{3}},
	}})
	want := ResourceAlerts{
		ResourceDown: Alert{&on, []string{"boss"}}, ResourceFlapping: Alert{Enabled: &off},
		ResourceSaturated: LastingAlert{Enabled: &on, For: Duration(5 * time.Minute)}, BreakerOpen: LastingAlert{Enabled: &on, For: Duration(time.Hour)},
		CertificateExpiring: CertificateAlert{Enabled: &on, Days: []int{3}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("of a resource (-want +got):\n%s", diff)
	}
	e := s.Alerts.ForEndpoint(&Endpoint{Alerts: &EndpointAlerts{
		EndpointOnBackup: LastingAlert{For: Duration(time.Second)}, EndpointDown: Alert{Enabled: &off}, BacklogOld: LastingAlert{Channels: []string{"boss"}},
		FailuresHigh: FailuresAlert{Of: FailuresOfAttempts, AtLeast: 5}, TaskFailed: Alert{Enabled: &on},
	}})
	wantE := EndpointAlerts{
		EndpointOnBackup: LastingAlert{Enabled: &on, For: Duration(time.Second)}, EndpointDown: Alert{Enabled: &off},
		BacklogOld: LastingAlert{Enabled: &on, Channels: []string{"boss"}, For: Duration(15 * time.Minute)}, TaskFailed: Alert{Enabled: &on},
		FailuresHigh: FailuresAlert{Enabled: &on, Channels: []string{"ops"}, Of: FailuresOfAttempts, Percent: 20, Within: Duration(10 * time.Minute), AtLeast: 5},
	}
	if diff := cmp.Diff(wantE, e); diff != "" {
		t.Errorf("of an endpoint (-want +got):\n%s", diff)
	}
}

// Every event has a rule, with the switch that is right for most people.
func TestRuleOfEveryEvent(t *testing.T) {
	s := DefaultSettings()
	for kind, on := range map[EventKind]bool{
		EventResourceDown: true, EventResourceUp: true, EventResourceFlapping: true, EventResourceReminder: true,
		EventResourceSaturated: false, EventResourceUnsaturated: false, EventBreakerOpen: true, EventBreakerClosed: true,
		EventCertificateExpiring: true, EventCertificateRenewed: true, EventEndpointOnBackup: true, EventEndpointOnPrimary: true,
		EventEndpointDown: true, EventEndpointUp: true, EventBacklogOld: true, EventBacklogOK: true,
		EventFailuresHigh: true, EventFailuresOK: true, EventTaskFailed: false, EventConfigChanged: false, EventLoginThrottled: true,
	} {
		rule := s.Alerts.Rule(kind, nil, nil)
		if rule.Enabled == nil || rule.IsOn() != on {
			t.Errorf("%s is %v, want %v", kind, rule.Enabled, on)
		}
	}
	off := false
	r, e := &Resource{Alerts: &ResourceAlerts{BreakerOpen: LastingAlert{Enabled: &off}}}, &Endpoint{Alerts: &EndpointAlerts{BacklogOld: LastingAlert{Enabled: &off}}}
	if s.Alerts.Rule(EventBreakerClosed, r, nil).IsOn() || s.Alerts.Rule(EventBacklogOK, nil, e).IsOn() || !s.Alerts.Rule(EventBacklogOK, r, nil).IsOn() {
		t.Error("overrides do not hold for the end of what they are about")
	}
	if rule := s.Alerts.Rule("nonsense", nil, nil); rule.IsOn() {
		t.Errorf("nonsense has the rule %+v", rule)
	}
}

func TestNormalizedAlertsAreTheirOwn(t *testing.T) {
	a, b := DefaultSettings(), DefaultSettings()
	*a.Alerts.ResourceDown.Enabled = false
	a.Alerts.CertificateExpiring.Days[0] = 99
	if !b.Alerts.ResourceDown.IsOn() || !a.Alerts.ResourceFlapping.IsOn() || b.Alerts.CertificateExpiring.Days[0] == 99 {
		t.Error("settings share their switches or lists")
	}
	c := CertificateAlert{Days: []int{1, 30, 7, 30}}
	c.normalize()
	if diff := cmp.Diff([]int{30, 7, 1}, c.Days); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
}

// Values that a webhook sends are kept for the address that they are for and no
// other. The signing secret is never sent.
func TestMaskedValuesOfAWebhookStayWithItsURL(t *testing.T) {
	webhook := func(url string, value Secret) *WebhookNotice {
		return &WebhookNotice{
			URL: url, Headers: map[string]Secret{"X-Key": value}, Secrets: map[string]Secret{"token": value}, SigningSecret: value, Payload: json.RawMessage(`{}`),
		}
	}
	stored, edited := DefaultSettings(), DefaultSettings()
	stored.Alerts.Channels = []Channel{{Name: "a", Webhook: webhook("http://a/", "one")}, {Name: "b", Webhook: webhook("http://b/", "two")}}
	edited.Alerts.Channels = []Channel{
		{Name: "b", Webhook: webhook("http://b/", Redacted)}, {Name: "a", Webhook: webhook("http://elsewhere/", Redacted)},
		{Name: "new", Webhook: webhook("http://a/", Redacted)}, {Name: "mail", Email: &EmailNotice{}},
	}
	edited.KeepMasked(&stored)
	of := func(w *WebhookNotice) []string {
		return []string{w.Headers["X-Key"].Reveal(), w.Secrets["token"].Reveal(), w.SigningSecret.Reveal()}
	}
	want := [][]string{{"two", "two", "two"}, {Redacted, Redacted, "one"}, {Redacted, Redacted, Redacted}}
	for i := range want {
		if diff := cmp.Diff(want[i], of(edited.Alerts.Channels[i].Webhook)); diff != "" {
			t.Errorf("channel %s (-want +got):\n%s", edited.Alerts.Channels[i].Name, diff)
		}
	}
	was, is := Resource{Notify: &Notify{Webhook: webhook("http://a/", "one")}}, Resource{Notify: &Notify{Webhook: webhook("http://a/", Redacted)}}
	is.KeepMasked(&was)
	if diff := cmp.Diff([]string{"one", "one", "one"}, of(is.Notify.Webhook)); diff != "" {
		t.Errorf("a resource's own (-want +got):\n%s", diff)
	}
}

func TestDefaultsOfChannels(t *testing.T) {
	a := Alerts{Channels: []Channel{
		{Name: "mail", Email: &EmailNotice{To: []string{"a@b.example"}}, Quiet: []QuietHours{{From: "22:00", Until: "07:00"}}},
		{Name: "hook", Webhook: &WebhookNotice{Enabled: new(false), URL: "http://a/"}},
	}}
	a.Normalize()
	mail, hook := a.Channels[0], a.Channels[1]
	if !mail.IsEnabled() || mail.GroupBy != GroupByChannel || mail.GroupFor != Duration(10*time.Second) || mail.Quiet[0].Timezone != "UTC" || mail.Via() != ViaEmail {
		t.Errorf("mail: %+v", mail)
	}
	if hook.IsEnabled() || hook.GroupBy != GroupByIncident || hook.Webhook.Method != http.MethodPost || hook.Webhook.Timeout != Duration(10*time.Second) || hook.Via() != ViaWebhook {
		t.Errorf("hook: %+v", hook)
	}
	inForce := Notify{Email: &EmailNotice{}, Webhook: &WebhookNotice{URL: "http://a/"}}
	mailOwn, own := inForce.Channel(ViaEmail), inForce.Channel(ViaWebhook)
	if !mailOwn.IsEnabled() || inForce.Email.Enabled != nil || inForce.Webhook.Enabled != nil || inForce.Webhook.Method != "" {
		t.Errorf("what is in force was changed: %+v", inForce)
	}
	if !own.IsEnabled() || own.Via() != ViaWebhook || own.GroupBy != GroupByIncident {
		t.Errorf("a resource's own: %+v", own)
	}
	for _, none := range []Channel{(*Notify)(nil).Channel(ViaEmail), (&Notify{}).Channel(ViaWebhook)} {
		if none.IsEnabled() {
			t.Errorf("%+v is switched on", none)
		}
	}
}
