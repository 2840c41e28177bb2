package notify

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// compiled makes the snapshot of a configuration whose objects have ids from 1.
func compiled(t testing.TB, c *dispatchapy.Config) *routing.Snapshot {
	t.Helper()
	c.Normalize()
	for i := range c.Resources {
		c.Resources[i].ID = int64(i + 1)
	}
	for i := range c.Endpoints {
		c.Endpoints[i].ID = int64(i + 11)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := routing.Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mailTo(address string) *dispatchapy.EmailNotice {
	return &dispatchapy.EmailNotice{To: []string{address}}
}

func hookAt(url string) *dispatchapy.WebhookNotice { return &dispatchapy.WebhookNotice{URL: url} }

// planned is a gateway with channels, of which one is switched off.
func planned() *dispatchapy.Config {
	c := &dispatchapy.Config{
		Settings: dispatchapy.DefaultSettings(),
		Resources: []dispatchapy.Resource{
			{Name: "a", URL: "http://a.example/", Notify: &dispatchapy.Notify{Email: mailTo("own@a.example"), Webhook: hookAt("http://own.example/")}},
			{Name: "b", URL: "http://b.example/", Notify: &dispatchapy.Notify{Email: &dispatchapy.EmailNotice{Enabled: new(false), To: []string{"own@b.example"}}}},
		},
		Endpoints: []dispatchapy.Endpoint{{Path: "e", Resources: []string{"a", "b"}, Alerts: &dispatchapy.EndpointAlerts{TaskFailed: dispatchapy.Alert{Enabled: new(true)}}}},
	}
	off := hookAt("http://off.example/")
	off.Enabled = new(false)
	c.Settings.Alerts.Channels = []dispatchapy.Channel{
		{Name: "ops", Email: mailTo("ops@example.com"), GroupFor: dispatchapy.Duration(time.Minute)}, {Name: "chat", Webhook: hookAt("http://chat.example/")}, {Name: "off", Webhook: off},
	}
	c.Settings.Alerts.BacklogOld.Channels = []string{"chat", "off"}
	return c
}

func TestWhoIsTold(t *testing.T) {
	s := compiled(t, planned())
	ops, chat := dispatchapy.ChannelRef{Name: "ops", Via: dispatchapy.ViaEmail}, dispatchapy.ChannelRef{Name: "chat", Via: dispatchapy.ViaWebhook}
	ownMail, ownHook := dispatchapy.ChannelRef{ResourceID: 1, Via: dispatchapy.ViaEmail}, dispatchapy.ChannelRef{ResourceID: 1, Via: dispatchapy.ViaWebhook}
	for name, tc := range map[string]struct {
		event dispatchapy.Event
		want  []store.Notice
	}{
		"a resource with notices of its own": {dispatchapy.Event{Kind: dispatchapy.EventResourceDown, ResourceID: 1, IncidentID: 7}, []store.Notice{
			{Channel: ops, Wait: time.Minute}, {Channel: chat, Group: "incident 7", Wait: 10 * time.Second},
			{Channel: ownMail, Wait: time.Second}, {Channel: ownHook, Group: "incident 7", Wait: time.Second},
		}},
		"a resource whose notice is off": {dispatchapy.Event{Kind: dispatchapy.EventResourceUp, ResourceID: 2, IncidentID: 8}, []store.Notice{
			{Channel: ops, Wait: time.Minute}, {Channel: chat, Group: "incident 8", Wait: 10 * time.Second},
		}},
		"a resource that is gone": {dispatchapy.Event{Kind: dispatchapy.EventResourceDown, ResourceID: 9, IncidentID: 9}, []store.Notice{
			{Channel: ops, Wait: time.Minute}, {Channel: chat, Group: "incident 9", Wait: 10 * time.Second},
		}},
		"not of what a notice is about": {dispatchapy.Event{Kind: dispatchapy.EventBreakerOpen, ResourceID: 1, IncidentID: 7}, []store.Notice{
			{Channel: ops, Wait: time.Minute}, {Channel: chat, Group: "incident 7", Wait: 10 * time.Second},
		}},
		"the channels of a rule":                {dispatchapy.Event{Kind: dispatchapy.EventBacklogOld, EndpointID: 11, IncidentID: 7}, []store.Notice{{Channel: chat, Group: "incident 7", Wait: 10 * time.Second}}},
		"a rule that is off":                    {dispatchapy.Event{Kind: dispatchapy.EventConfigChanged}, nil},
		"a rule that is on for an endpoint":     {dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, EndpointID: 11, TaskID: 5}, []store.Notice{{Channel: ops, Wait: time.Minute, Pause: pause}, {Channel: chat, Group: "task.failed 0 11", Wait: 10 * time.Second, Pause: pause}}},
		"a rule that is off for all but it":     {dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, EndpointID: 12, TaskID: 5}, nil},
		"a kind that this version knows not of": {dispatchapy.Event{Kind: "weather.bad"}, nil},
	} {
		if diff := cmp.Diff(tc.want, noticesFor(s, &tc.event)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A resource's own notice does not depend on the rule of the settings: it has a
// switch of its own.
func TestOwnNoticesHaveTheirOwnSwitch(t *testing.T) {
	c := planned()
	c.Settings.Alerts.ResourceDown.Enabled = new(false)
	if got := noticesFor(compiled(t, c), &dispatchapy.Event{Kind: dispatchapy.EventResourceDown, ResourceID: 1}); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestChannelsThatAreGone(t *testing.T) {
	s := compiled(t, planned())
	for want, ref := range map[string]dispatchapy.ChannelRef{
		"":                                    {Name: "ops", Via: dispatchapy.ViaEmail},
		`there is no channel "nope" any more`: {Name: "nope", Via: dispatchapy.ViaEmail},
		`the channel "off" is switched off`:   {Name: "off", Via: dispatchapy.ViaWebhook},
		"the resource is gone":                {ResourceID: 9, Via: dispatchapy.ViaEmail},
		"the notice of the resource is switched off": {ResourceID: 2, Via: dispatchapy.ViaEmail},
	} {
		if _, why := channelOf(s, ref); why != want {
			t.Errorf("%+v: %q, want %q", ref, why, want)
		}
	}
	if c, _ := channelOf(s, dispatchapy.ChannelRef{ResourceID: 1, Via: dispatchapy.ViaWebhook}); c.Webhook == nil || c.Webhook.URL != "http://own.example/" {
		t.Errorf("%+v", c)
	}
}
