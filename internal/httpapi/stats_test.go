package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"dispatchapy"
)

type statistics struct {
	Items []struct {
		Start                                       time.Time
		Name                                        string
		Delivered, Failed, Attempts, FailedAttempts int64
		SuccessRate                                 *float64                    `json:"success_rate"`
		DeliveryMS                                  struct{ P50, P95 *float64 } `json:"delivery_ms"`
		AttemptMS                                   struct{ P50, P95 *float64 } `json:"attempt_ms"`
	}
}

func (g *gateway) stats(token, query string) (lines []string) {
	g.t.Helper()
	got := g.do(request{method: http.MethodGet, path: "/v1/stats?" + query, token: token}).want(200)
	got.wantDocumented(g.document(), http.MethodGet, "/v1/stats")
	var s statistics
	decode(g.t, got.body, &s)
	for _, r := range s.Items {
		rate := "-"
		if r.SuccessRate != nil {
			rate = fmt.Sprint(*r.SuccessRate)
		}
		lines = append(lines, fmt.Sprintf("%s: %d %d, %s, %d", r.Name, r.Delivered, r.Failed, rate, r.Attempts))
		if (r.DeliveryMS.P50 == nil) != (r.Delivered == 0) || (r.AttemptMS.P95 == nil) != (r.Attempts == 0) ||
			r.AttemptMS.P95 != nil && (*r.AttemptMS.P95 <= 0 || *r.AttemptMS.P95 < *r.AttemptMS.P50) {
			g.t.Errorf("quantiles of %+v", r)
		}
	}
	return lines
}

func TestStats(t *testing.T) {
	l := newLive(t)
	l.send(shopToken, `{"ref":"r","scope":"prod","phone":"1"}`)
	l.ended()
	l.primary.answerWith(400, "")
	l.send(bankToken, `{"ref":"r","scope":"test","phone":"1"}`)
	l.ended()
	l.backup.answerWith(400, "")
	l.send(bankToken, `{"ref":"r","scope":"prod","phone":"1"}`)
	l.ended()

	tests := []struct {
		token, query string
		want         []string
	}{
		{"", "", []string{": 2 1, 0.6666666666666666, 5"}},
		{"", "group=endpoint&bucket=1h", []string{"sms: 2 1, 0.6666666666666666, 5"}},
		{"", "group=client", []string{"bank: 1 1, 0.5, 4", "shop: 1 0, 1, 1"}},
		{"", "group=resource", []string{"backup: 1 1, 0.5, 2", "primary: 1 0, 1, 3"}},
		{"", "group=scope", []string{"prod: 1 1, 0.5, 3", "test: 1 0, 1, 2"}},
		{"", "client=bank&scope=test", []string{": 1 0, 1, 2"}},
		{"", "resource=primary", []string{": 1 0, 1, 3"}},
		{"", "endpoint=fax", nil},
		{"", "until=2020-01-01T00:00:00Z", nil},
		{shopToken, "", []string{": 1 0, 1, 1"}},
		{shopToken, "group=client", []string{"shop: 1 0, 1, 1"}},
		{shopToken, "client=bank", nil},
	}
	for _, tt := range tests {
		t.Run(tt.token+" "+tt.query, func(t *testing.T) {
			got := l.stats(tt.token, tt.query)
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestStatsFaults(t *testing.T) {
	g := newGateway(t)
	for query, field := range map[string]string{
		"group=weather": "group",
		"bucket=90m":    "bucket",
		"bucket=-1h":    "bucket",
		"bucket=soon":   "bucket",
		"bucket=1h&since=2020-01-01T00:00:00Z&until=2021-01-01T00:00:00Z": "bucket",
		"since=2021-01-01T00:00:00Z&until=2020-01-01T00:00:00Z":           "until",
		"since=yesterday": "since",
	} {
		t.Run(query, func(t *testing.T) {
			got := g.get("/v1/stats?" + query)
			got.t = t
			if p := got.wantProblem(422, dispatchapy.CodeInvalid); len(p.Fields) == 0 || p.Fields[0].Path != field {
				t.Errorf("fields %+v, want %s", p.Fields, field)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	l := newLive(t)
	l.insert("shop", false)
	l.insert("shop", true)
	l.insert("bank", true)
	got := l.get("/v1/stats/now").want(200)
	got.wantDocumented(l.document(), http.MethodGet, "/v1/stats/now")
	var load struct {
		Waiting, Held int
		InFlight      int `json:"in_flight"`
		Lanes         []struct {
			Endpoint      string
			Waiting, Held int
			Oldest        *time.Time
		}
	}
	decode(t, got.body, &load)
	for deadline := time.Now().Add(10 * time.Second); load.InFlight > 0 && time.Now().Before(deadline); {
		// The slots of a claim that is under way count, and this one finds nothing.
		got = l.get("/v1/stats/now").want(200)
		decode(t, got.body, &load)
	}
	if load.Waiting != 1 || load.Held != 2 || load.InFlight != 0 || len(load.Lanes) != 1 || load.Lanes[0].Endpoint != "sms" ||
		load.Lanes[0].Oldest == nil || time.Since(*load.Lanes[0].Oldest) > time.Minute {
		t.Errorf("%s", got.body)
	}
}
