package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

// TestConfigurationChangedUnderLoad swaps address and mapping of a resource in
// one change, many times, while messages flow. No request is refused, every
// message arrives once, and each is entirely of one configuration.
func TestConfigurationChangedUnderLoad(t *testing.T) {
	t.Parallel()
	const changes = 40
	shapes := map[string]*provider{"A": newProvider(t, works), "B": newProvider(t, works)}
	file := func(shape string) string {
		return fill(`
version: 1
resources:
  - {name: only, url: "$url", headers: {X-Shape: $shape}, required_params: [shape, text$shape]}
endpoints:
  - path: send_sms
    resources: [only]
    mapping: {only: {ref: {from: ref}, shape: {value: $shape}, text$shape: {from: message}, again$shape: {from: message}}}
clients:
  - {name: shop, token: `+shopToken+`, endpoints: [send_sms]}
`, map[string]string{"url": shapes[shape].url(), "shape": shape, "text$shape": "text" + shape})
	}
	g := start(t, file("A"))
	l := g.load(t, "send_sms", "r")
	for i := range changes {
		l.awaitAcked(t, 25*(i+1))
		g.apply(t, file([]string{"B", "A"}[i%2]))
	}
	acked := l.end()
	if l.refused > 0 {
		t.Errorf("%d requests were refused", l.refused)
	}
	g.awaitQuiet(t, patience)

	arrived := map[string]int{} // by ref
	for shape, p := range shapes {
		got := p.accepted()
		if len(got) == 0 {
			t.Errorf("nothing arrived under configuration %s: this test shows nothing", shape)
		}
		for ref, requests := range got {
			arrived[ref] += len(requests)
			var body map[string]string
			err := json.Unmarshal(requests[0].Body, &body)
			text := "hello " + ref
			want := map[string]string{"ref": ref, "shape": shape, "text" + shape: text, "again" + shape: text}
			if err != nil || fmt.Sprint(body) != fmt.Sprint(want) || requests[0].Header.Get("X-Shape") != shape {
				t.Fatalf("provider %s got %s with header %s", shape, requests[0].Body, requests[0].Header.Get("X-Shape"))
			}
		}
	}
	for ref := range acked {
		if arrived[ref] != 1 {
			t.Errorf("message %s arrived %d times", ref, arrived[ref])
		}
	}
	if len(arrived) != len(acked) {
		t.Errorf("%d messages arrived, %d were accepted", len(arrived), len(acked))
	}
}

// TestInvalidConfigurationChangesNothing sends a file with one fault among
// changes that would be fine.
func TestInvalidConfigurationChangesNothing(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	g := start(t, fillOne(p))
	_, before := g.manage(t, "GET", "/v1/config", "")
	status, answer := g.manage(t, "PUT", "/v1/config", `version: 1
settings: {max_attempts: 9}
resources:
  - {name: only, url: "ftp://nowhere"}
`)
	var problem struct {
		Code   string `json:"code"`
		Fields []struct {
			Path    string `json:"path"`
			Message string `json:"message"`
		} `json:"fields"`
	}
	if err := json.Unmarshal(answer, &problem); err != nil {
		t.Fatal(err)
	}
	if status != 422 || problem.Code != "invalid" || len(problem.Fields) != 1 || problem.Fields[0].Path != "resources[0].url" {
		t.Errorf("the answer is %d %s, want 422 with the field resources[0].url", status, answer)
	}
	if _, after := g.manage(t, "GET", "/v1/config", ""); string(after) != string(before) {
		t.Errorf("the configuration was changed from %s to %s", before, after)
	}
	g.awaitStatus(t, g.send(t, "send_sms", "still"), "success")
}
