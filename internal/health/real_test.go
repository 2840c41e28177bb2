package health

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

var (
	_ Store     = store.Store(nil)
	_ Gate      = (*routing.Availability)(nil)
	_ Snapshots = (*routing.Table)(nil)
	_ Client    = (*deliver.Client)(nil)
)

// TestRealResource checks a real server with the real client.
func TestRealResource(t *testing.T) {
	var body []byte
	var key string
	requests := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		key = r.Header.Get("X-Key")
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "fine")
	}))
	defer s.Close()
	client := deliver.NewClient(deliver.Options{AllowPrivate: func() bool { return true }})
	defer client.Close()

	simple, actual := watchedResource(1), watchedResource(2)
	simple.URL, actual.URL = s.URL, s.URL+"/send"
	actual.Headers = map[string]dispatchapy.Secret{"X-Key": "k"}
	actual.HealthCheck.Method = dispatchapy.CheckActual
	actual.HealthCheck.TestValues = map[string]json.RawMessage{"to": json.RawMessage(`"0"`)}
	view := routing.NewAvailability()
	table := routing.NewTable(compile(t, simple, actual))
	r := New(Options{Store: newFakeStore(), Gate: view, Snapshots: table, Client: client, Log: slog.New(slog.DiscardHandler)})
	defer r.Stop()

	for id, detail := range map[int64]string{1: "connected to " + s.Listener.Addr().String(), 2: "fine"} {
		check, err := r.CheckNow(t.Context(), id, "op")
		if err != nil || !check.OK || check.Detail != detail || check.Duration <= 0 {
			t.Errorf("resource %d: check = %+v, %v, want %q", id, check, err, detail)
		}
		if h := view.Health(id); h.State != dispatchapy.HealthUp {
			t.Errorf("resource %d is %s, want up", id, h.State)
		}
	}
	if string(body) != `{"to":"0"}` || key != "k" {
		t.Errorf("request had body %s and key %q", body, key)
	}
	// Connecting is all that simple does, whoever asks and however often.
	for range 5 {
		if check, err := r.CheckNow(t.Context(), 1, "op"); err != nil || !check.OK || check.By != "op" || !check.Manual {
			t.Errorf("check = %+v, %v", check, err)
		}
	}
	if requests != 1 {
		t.Errorf("the server had %d requests, want the one of method actual", requests)
	}

	s.Close()
	for id := range int64(2) {
		check, err := r.CheckNow(t.Context(), id+1, "op")
		if err != nil || check.OK || check.Error != dispatchapy.ErrorRefused {
			t.Errorf("resource %d: check = %+v, %v, want refused", id+1, check, err)
		}
		if _, why := view.Acquire(table.Load().ResourceByID(id + 1)); why != routing.Down {
			t.Errorf("resource %d is %q for traffic, want down", id+1, why)
		}
	}
}
