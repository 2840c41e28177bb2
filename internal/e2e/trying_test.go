package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// post makes a change through the management API.
func (g *gateway) post(t *testing.T, path, body string, status int, into any) {
	t.Helper()
	got, answer := g.manage(t, http.MethodPost, path, body)
	if got != status {
		t.Fatalf("POST %s: %d %s, want %d", path, got, answer, status)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("POST %s: %v in %s", path, err, answer)
	}
}

// TestEditAndReleaseAHeldMessage looks at what a held message would become,
// sends an edited one in its place, and finds it in the statistics.
func TestEditAndReleaseAHeldMessage(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p, "client", ", dev: {hold: true}"))
	held := g.send(t, "send_sms", "draft")

	var endpoints struct{ Items []struct{ ID int64 } }
	g.get(t, "/v1/endpoints", &endpoints)
	var preview struct {
		Intake    struct{ Result string }
		Resources []struct {
			Usable  bool
			Request struct{ Body string }
		}
	}
	g.post(t, fmt.Sprintf("/v1/endpoints/%d/preview", endpoints.Items[0].ID), `{"client":"shop","payload":`+message("final")+`}`, 200, &preview)
	if preview.Intake.Result != "held" || !preview.Resources[0].Usable {
		t.Errorf("preview %+v", preview)
	}

	var made struct {
		ID       int64
		ResendOf int64 `json:"resend_of"`
	}
	g.post(t, fmt.Sprintf("/v1/tasks/%d/resend", held), `{"payload":`+message("final")+`}`, 201, &made)
	p.await(t, patience, "final")
	g.awaitStatus(t, made.ID, "success")
	var sent struct {
		Target json.RawMessage `json:"target_payload"`
	}
	g.get(t, fmt.Sprintf("/v1/tasks/%d", made.ID), &sent)
	if made.ResendOf != held || len(p.all()) != 1 || string(sent.Target) != preview.Resources[0].Request.Body {
		t.Errorf("%d messages arrived, of task %d made of %d: %s; want one, as in the preview: %s",
			len(p.all()), made.ID, made.ResendOf, sent.Target, preview.Resources[0].Request.Body)
	}
	var stats struct {
		Items []struct {
			Name      string
			Delivered int
		}
	}
	g.get(t, "/v1/stats?group=endpoint", &stats)
	if len(stats.Items) != 1 || stats.Items[0].Name != "send_sms" || stats.Items[0].Delivered != 1 {
		t.Errorf("statistics %+v", stats)
	}
	var load struct{ Waiting, Held int }
	g.get(t, "/v1/stats/now", &load)
	if load.Waiting != 0 || load.Held != 0 {
		t.Errorf("unfinished: %+v", load)
	}
}

func TestSendersReadTheirDocumentation(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p))
	for token, want := range map[string]int{shopToken: 200, adminToken: 200, "dpy_unknown-token-0123456789": 401} {
		status, body := g.manageAs(t, token, http.MethodGet, "/openapi-user.json", "")
		if status != want || (status == 200) != strings.Contains(string(body), `"/api/send_sms"`) {
			t.Errorf("%d, want %d: %s", status, want, body)
		}
	}
}
