package notify_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

// switchesOf gives the switches of all rules, by the keys of the settings.
func switchesOf(a *dispatchapy.Alerts) map[string]**bool {
	switches := map[string]**bool{}
	v := reflect.ValueOf(a).Elem()
	for i := range v.NumField() {
		if v.Field(i).Kind() != reflect.Struct {
			continue
		}
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		switches[key] = v.Field(i).FieldByName("Enabled").Addr().Interface().(**bool)
	}
	return switches
}

// everyEvent gives one event of each kind, about an incident of its own where
// there is one.
func everyEvent() (events []dispatchapy.Event) {
	for i, kind := range dispatchapy.EventKinds() {
		e := dispatchapy.Event{Kind: kind, IncidentID: int64(i + 1), Detail: "x"}
		switch about, _, _ := strings.Cut(string(kind), "."); about {
		case "resource", "breaker", "certificate":
			e.ResourceID = sms
		case "endpoint", "backlog", "failures":
			e.EndpointID = send
		case "task":
			e.EndpointID, e.TaskID, e.IncidentID = send, 7, 0
		default:
			e.IncidentID = 0
		}
		events = append(events, e)
	}
	return events
}

// Every event is told once through a channel, however often it is written, and
// every rule has a switch that silences its events and no others.
func TestEveryEventIsToldOnceAndHasASwitch(t *testing.T) {
	settings := dispatchapy.DefaultSettings()
	rules := []string{""} // of which none is off
	for key := range switchesOf(&settings.Alerts) {
		rules = append(rules, key)
	}
	if len(rules) != 13 {
		t.Fatalf("the rules are %v", rules)
	}
	for _, off := range rules {
		t.Run("without "+off, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := config(chatChannel(func(c *dispatchapy.Channel) { c.Webhook.Payload = []byte(`{"text": "{event}"}`) }))
				c.Settings.Alerts.Normalize()
				for key, enabled := range switchesOf(&c.Settings.Alerts) {
					*enabled = new(key != off)
				}
				chat := &poster{}
				g := open(t, c)
				g.poster = chat
				g.start()
				for range 2 {
					g.happen(everyEvent()...)
				}
				time.Sleep(10 * time.Minute)
				got, want := map[string]int{}, map[string]int{}
				for _, p := range chat.got() {
					got[p.body]++
				}
				silent := 0
				for _, kind := range dispatchapy.EventKinds() {
					if c.Settings.Alerts.Rule(kind, nil, nil).IsOn() {
						want[fmt.Sprintf(`{"text":%q}`, kind)] = 1
					} else {
						silent++
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if (silent > 0) != (off != "") {
					t.Errorf("the switch silences %d kinds of events", silent)
				}
				g.stop()
				g.close()
			})
		})
	}
}
