package intake

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// TestJudgeSaysWhatTheHandlerAnswers sends every body for real as well.
func TestJudgeSaysWhatTheHandlerAnswers(t *testing.T) {
	hold := func(cfg *dispatchapy.Config) {
		cfg.Endpoints[1].Dev = dispatchapy.EndpointDev{Enabled: true, Hold: true}
	}
	snapshot := testSnapshot(t, hold)
	tests := []struct {
		name, path, body string
		want             int
	}{
		{"accepted", "send_sms", `{"ref":"r","scope":7,"phone":1,"text":"x","more":1.10}`, http.StatusOK},
		{"held", "v2/send", `{"ref":"r","scope":"s"}`, http.StatusOK},
		{"no JSON", "send_sms", `{"ref":`, http.StatusBadRequest},
		{"duplicate key", "send_sms", `{"ref":"r","ref":"r"}`, http.StatusBadRequest},
		{"no object", "send_sms", `[1]`, http.StatusBadRequest},
		{"no scope", "send_sms", `{"ref":"r"}`, http.StatusBadRequest},
		{"parameter missing", "send_sms", `{"ref":"r","scope":"s","phone":1}`, http.StatusBadRequest},
		{"too large", "send_sms", `{"ref":"r","scope":"s","phone":1,"text":"` + strings.Repeat("x", 1000) + `"}`, http.StatusRequestEntityTooLarge},
		{"switched off", "retired", `{"ref":"r","scope":"s"}`, http.StatusNotFound},
		{"not linked", "others", `{"ref":"r","scope":"s"}`, http.StatusForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &desk{receipt: dispatchapy.Receipt{TaskID: 1}}
			server := serve(t, d, func(o *Options) { o.Snapshots = fixed{snapshot} })
			sent := send(t, server, http.MethodPost, "/api/"+tt.path, tt.body, "X-API-Token", shopToken)

			got, status, detail := Judge(snapshot.Endpoint(tt.path), snapshot.ClientByID(21), []byte(tt.body))
			if status != tt.want || status != sent.status {
				t.Fatalf("judged %d (%s), answered %d, want %d", status, detail, sent.status, tt.want)
			}
			if status != http.StatusOK {
				if detail != sent.detail(t) {
					t.Errorf("judged %q, answered %q", detail, sent.detail(t))
				}
				return
			}
			if diff := cmp.Diff(d.submitted[0], got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJudgeForAnyClient(t *testing.T) {
	snapshot := testSnapshot(t, nil)
	got, status, detail := Judge(snapshot.Endpoint("others"), nil, []byte(`{"ref":"r","scope":"s"}`))
	if status != http.StatusOK || got.ClientID != 0 || got.Ref != "r" {
		t.Errorf("judged %d (%s), %+v", status, detail, got)
	}
}

// fixed gives one snapshot for ever.
type fixed struct{ snapshot *routing.Snapshot }

func (f fixed) Load() *routing.Snapshot { return f.snapshot }
