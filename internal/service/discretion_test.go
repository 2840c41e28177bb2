package service_test

import (
	"strings"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

// TestAClientsLogNamesNoAddress: a line of the log may repeat an attempt's error.
func TestAClientsLogNamesNoAddress(t *testing.T) {
	n := startNode(t)
	cfg := n.table.Load().Config
	inserted, err := n.store.InsertTasks(t.Context(), []store.NewTask{{
		LeaseFor: time.Minute,
		Submission: dispatchapy.Submission{EndpointID: cfg.Endpoint("sms").ID, ClientID: cfg.Client("shop").ID,
			Ref: "r", Scope: "s", Source: []byte(`{}`), MaxAttempts: 5},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const address = "10.0.0.1:80"
	_, err = n.store.RecordOutcomes(t.Context(), []store.Outcome{{
		Lease: inserted[0].Leased.Lease, Status: dispatchapy.StatusFailed, LastError: "connection refused by " + address,
		Attempts: []dispatchapy.Attempt{{
			Number: 1, ResourceID: cfg.Resource("primary").ID, Outcome: dispatchapy.OutcomeFailed,
			Error: dispatchapy.ErrorRefused, Detail: "connection refused by " + address, StartedAt: time.Now(),
		}},
		Log: []dispatchapy.LogEntry{{At: time.Now(), Message: "not delivered within 1h: connection refused by " + address}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	lines := func(p dispatchapy.Principal) string {
		t.Helper()
		found, err := n.Task(t.Context(), p, inserted[0].TaskID)
		if err != nil {
			t.Fatal(err)
		}
		return found.LastError + "\n" + found.Attempts[0].Detail + "\n" + found.Log[0].Message
	}
	want := "it could not be delivered\nno answer: refused\nnot delivered within 1h: no answer: refused"
	if got := lines(n.client("shop-token-1234")); got != want {
		t.Errorf("a client reads %q, want %q", got, want)
	}
	if got := lines(admin); strings.Count(got, address) != 3 {
		t.Errorf("an administrator reads %q", got)
	}
}

// TestAClientFindsOnlyWhatItMayRead: whoever can search for a text can read it,
// letter by letter.
func TestAClientFindsOnlyWhatItMayRead(t *testing.T) {
	n := startNode(t)
	cfg := n.table.Load().Config
	inserted, err := n.store.InsertTasks(t.Context(), []store.NewTask{{
		LeaseFor: time.Minute,
		Submission: dispatchapy.Submission{EndpointID: cfg.Endpoint("sms").ID, ClientID: cfg.Client("shop").ID,
			Ref: "r-2", Scope: "s", Source: []byte(`{"text":"hello"}`), MaxAttempts: 5},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.store.RecordOutcomes(t.Context(), []store.Outcome{{
		Lease: inserted[0].Leased.Lease, Status: dispatchapy.StatusFailed, ResourceID: cfg.Resource("primary").ID,
		Attempts: []dispatchapy.Attempt{{Number: 1, ResourceID: cfg.Resource("primary").ID, Outcome: dispatchapy.OutcomeFailed,
			RequestBody: []byte(`{"text":"hello","account":"hush-4711"}`), StartedAt: time.Now()}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	find := func(p dispatchapy.Principal, text string) int {
		t.Helper()
		filter := service.TaskFilter{Text: text}
		page, err := n.ListTasks(t.Context(), p, filter, service.PageRequest{})
		if err != nil {
			t.Fatal(err)
		}
		count, err := n.CountBatch(t.Context(), p, service.Batch{Action: dispatchapy.ActionRetry, Filter: &filter})
		if err != nil || count.Matching != len(page.Items) {
			t.Errorf("%s: %d tasks on the page, %+v in a batch, %v", text, len(page.Items), count, err)
		}
		return len(page.Items)
	}
	shop := n.client("shop-token-1234")
	for text, want := range map[string]int{"hello": 1, "r-2": 1, "primary": 1, "hush-4711": 0} {
		if got := find(shop, text); got != want {
			t.Errorf("a client finds %d tasks with %s, want %d", got, text, want)
		}
		if got := find(admin, text); got != 1 {
			t.Errorf("an administrator finds %d tasks with %s", got, text)
		}
	}
	n.apply("version: 1\nclients: [{name: shop, endpoints: [sms], show_provider_bodies: true}]\n", service.ApplyOptions{})
	if got := find(shop, "hush-4711"); got != 1 {
		t.Errorf("a client that may read it finds %d tasks", got)
	}
}

// TestAddressesHideSecretsFromWhomTheyAreKept: only who may export secrets reads
// those in addresses, because only they change and give back what they read.
func TestAddressesHideSecretsFromWhomTheyAreKept(t *testing.T) {
	n := startNode(t)
	n.apply(`
version: 1
settings: {alerts: {channels: [{name: chat, webhook: {url: "http://h.example/?token=hush-channel&room=1"}}]}}
resources:
  - name: spare
    url: "http://h.example/send?api_key=hush-query&lang=en"
    notify: {webhook: {enabled: true, url: "http://h.example/?sig=hush-notice"}}
`, service.ApplyOptions{})
	id := n.resource("spare").ID
	for role, hidden := range map[dispatchapy.Role]bool{dispatchapy.RoleAdmin: false, dispatchapy.RoleOperator: true, dispatchapy.RoleViewer: true} {
		p := dispatchapy.Principal{Name: "somebody", Role: role}
		one, err := n.Resource(t.Context(), p, id)
		if err != nil {
			t.Fatal(err)
		}
		states, err := n.ResourceStates(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		settings, err := n.Settings(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		shown := one.URL + " " + one.Notify.Webhook.URL + " " + states[id].URL + " " + settings.Alerts.Channels[0].Webhook.URL
		if got := !strings.Contains(shown, "hush"); got != hidden || !strings.Contains(shown, "lang=en") || !strings.Contains(shown, "room=1") {
			t.Errorf("%s reads %s", role, shown)
		}
	}
	if cfg := n.table.Load().Config; !strings.Contains(cfg.Resource("spare").URL, "hush-query") || !strings.Contains(cfg.Settings.Alerts.Channels[0].Webhook.URL, "hush-channel") {
		t.Error("what is in force was changed")
	}
}
