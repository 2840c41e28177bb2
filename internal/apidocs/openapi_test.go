package apidocs

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// load makes the document and has it checked by a validator that knows 3.1.
func load(t *testing.T, viewer Viewer, more ...dispatchapy.Endpoint) (*openapi3.T, []byte) {
	t.Helper()
	text, err := OpenAPI(fixture(t, more...), viewer)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Fatal("not an OpenAPI 3.1 document")
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc, text
}

func TestDocumentIsAsAgreed(t *testing.T) {
	const file = "testdata/openapi.json"
	_, text := load(t, Viewer{ClientID: 21, ServerURL: "https://gateway.example.com/"})
	var got bytes.Buffer
	if err := json.Indent(&got, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the document changed; if that is meant, run go test ./internal/apidocs -update\n%s", diff)
	}
}

func TestViewersSeeWhatTheyMayCall(t *testing.T) {
	for _, tt := range []struct {
		name   string
		client int64
		want   []string
	}{
		{"admin", 0, []string{"/api/orders/create", "/api/others_only", "/api/send_sms"}},
		{"client", 21, []string{"/api/orders/create", "/api/send_sms"}},
		{"client without endpoints", 22, nil},
		{"client that was deleted", 99, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, _ := load(t, Viewer{ClientID: tt.client})
			if got := slices.Sorted(maps.Keys(doc.Paths.Map())); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if len(doc.Servers) != 0 {
				t.Errorf("got the servers %v without a ServerURL", doc.Servers)
			}
		})
	}
}

func TestDocumentIsStable(t *testing.T) {
	_, first := load(t, Viewer{})
	for range 20 { // maps are iterated in another order each time
		if _, again := load(t, Viewer{}); !bytes.Equal(first, again) {
			t.Fatalf("the same configuration gave another document:\n%s\n%s", first, again)
		}
	}
	reversed := fixture(t)
	slices.Reverse(reversed.Endpoints)
	if again, err := OpenAPI(reversed, Viewer{}); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the document depends on the order of the endpoints (%v):\n%s\n%s", err, first, again)
	}
}

func TestNothingOfProvidersIsShown(t *testing.T) {
	_, text := load(t, Viewer{})
	snapshot := fixture(t)
	all := string(text)
	for _, e := range snapshot.Endpoints {
		for _, sample := range Samples(e, "https://gateway.example.com") {
			all += sample.Code
		}
	}
	for _, secret := range planted {
		if strings.Contains(all, secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}

func TestSchemas(t *testing.T) {
	doc, _ := load(t, Viewer{})
	media := doc.Paths.Value("/api/send_sms").Post.RequestBody.Value.Content.Get("application/json")
	for _, tt := range []struct {
		body string
		ok   bool
	}{
		{`{"ref":"r","scope":"s","phone":"1","message":"m","customer":{},"lines":[]}`, true},
		{`{"ref":7,"scope":1.5,"phone":628123,"message":"m","customer":"anything","lines":null,"more":[1]}`, true},
		{`{"ref":"","scope":"s","phone":"1","message":"m","customer":{},"lines":[]}`, false},
		{`{"ref":null,"scope":"s","phone":"1","message":"m","customer":{},"lines":[]}`, false},
		{`{"ref":"r","scope":"s","message":"m","customer":{},"lines":[]}`, false},
		{`[]`, false},
	} {
		var value any
		if err := json.Unmarshal([]byte(tt.body), &value); err != nil {
			t.Fatal(err)
		}
		if err := media.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); (err == nil) != tt.ok {
			t.Errorf("%s: valid should be %v, got %v", tt.body, tt.ok, err)
		}
	}
}

func TestOperationIDs(t *testing.T) {
	doc, _ := load(t, Viewer{}, dispatchapy.Endpoint{ID: 31, Path: "a/b"}, dispatchapy.Endpoint{ID: 32, Path: "a-b"},
		dispatchapy.Endpoint{ID: 33, Path: "a_b"}, dispatchapy.Endpoint{ID: 34, Path: "a_b_2"}, dispatchapy.Endpoint{ID: 35, Path: "2fa"})
	want := map[string]string{
		"/api/a_b": "a_b", "/api/a_b_2": "a_b_2", "/api/a-b": "a_b_3", "/api/a/b": "a_b_4", "/api/2fa": "post_2fa",
		"/api/send_sms": "send_sms", "/api/orders/create": "orders_create", "/api/others_only": "others_only",
	}
	got := map[string]string{}
	for path, item := range doc.Paths.Map() {
		got[path] = item.Post.OperationID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOddTexts(t *testing.T) {
	long := "</script>\u2028 \"x\" \x00 \xff " + strings.Repeat("é", 200)
	doc, text := load(t, Viewer{ServerURL: "http://[::1]:8000/{base}/"},
		dispatchapy.Endpoint{ID: 31, Path: "odd", Description: long, RequiredParams: []string{`q"u\o$te`, "ünï", "<b>", "__proto__", "🎉"}},
		dispatchapy.Endpoint{ID: 32, Path: "blank", Description: " \n\n"})
	if got := doc.Servers[0].URL; got != "http://[::1]:8000/%7Bbase%7D" {
		t.Errorf("the server is %s", got)
	}
	post := doc.Paths.Value("/api/odd").Post
	if n := len([]rune(post.Summary)); n != maxSummary || !strings.HasPrefix(post.Summary, `</script> "x" `) {
		t.Errorf("the summary has %d characters: %q", n, post.Summary)
	}
	if want := strings.ReplaceAll(long, "\xff", "\uFFFD"); post.Description != want {
		t.Errorf("the description is %q, want %q", post.Description, want)
	}
	if bytes.ContainsAny(text, "<") {
		t.Error("the document cannot stand in a <script>")
	}
	if got := doc.Paths.Value("/api/blank").Post.Summary; got != "Send a message to blank" {
		t.Errorf("the summary is %q", got)
	}
}

func TestServerURL(t *testing.T) {
	for _, bad := range []string{"gateway.example.com", "ftp://h", "https://", "https://u:hidden@h", "https://h?a=hidden", "https://h/#x", "http://h:hidden", "/relative"} {
		_, err := OpenAPI(fixture(t), Viewer{ServerURL: bad})
		if dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid || !strings.Contains(err.Error(), "server_url: must be like") {
			t.Errorf("%s: got the error %v", bad, err)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error repeats it: %v", bad, err)
		}
	}
}

// The effort grows with the number of endpoints and not faster.
func TestManyEndpoints(t *testing.T) {
	describe := func(n int) float64 {
		var more []dispatchapy.Endpoint
		for i := range n {
			more = append(more, dispatchapy.Endpoint{ID: int64(100 + i), Path: fmt.Sprintf("many/%d", i), RequiredParams: []string{"phone", "text"}})
		}
		snapshot := fixture(t, more...)
		return testing.AllocsPerRun(1, func() {
			text, err := OpenAPI(snapshot, Viewer{})
			if err != nil {
				t.Fatal(err)
			}
			if got := bytes.Count(text, []byte(`"operationId"`)); got != n+3 {
				t.Errorf("%d operations for %d endpoints", got, n+3)
			}
		})
	}
	few, many := describe(100), describe(1000)
	if many > 12*few {
		t.Errorf("100 endpoints take %v allocations, 1000 take %v", few, many)
	}
}

func BenchmarkOpenAPI(b *testing.B) {
	var more []dispatchapy.Endpoint
	for i := range 10_000 {
		more = append(more, dispatchapy.Endpoint{ID: int64(100 + i), Path: fmt.Sprintf("many/%d", i), RequiredParams: []string{"phone", "text"}})
	}
	snapshot := fixture(b, more...)
	for b.Loop() {
		if _, err := OpenAPI(snapshot, Viewer{}); err != nil {
			b.Fatal(err)
		}
	}
}
