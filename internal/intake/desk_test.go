package intake

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	shopToken  = "dpy_shop_token"
	otherToken = "dpy_other_token"
)

// desk is a Submitter, an Observer and a switch for readiness in one.
type desk struct {
	mu        sync.Mutex
	submitted []dispatchapy.Submission
	observed  []string // "accepted" or the reason of a rejection, in order

	receipt dispatchapy.Receipt
	err     error
	before  func(ctx context.Context) // called by Submit
	notYet  bool
}

func (d *desk) Submit(ctx context.Context, s dispatchapy.Submission) (dispatchapy.Receipt, error) {
	if d.before != nil {
		d.before(ctx)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return dispatchapy.Receipt{}, d.err
	}
	d.submitted = append(d.submitted, s)
	return d.receipt, nil
}

func (d *desk) Accepted(took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.observed = append(d.observed, "accepted")
	if took <= 0 {
		d.observed = append(d.observed, "took no time")
	}
}

func (d *desk) Rejected(reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Contains(Reasons, reason) {
		reason += " is not in Reasons"
	}
	d.observed = append(d.observed, reason)
}

func testSnapshot(t testing.TB, change func(*dispatchapy.Config)) *routing.Snapshot {
	t.Helper()
	off := false
	cfg := &dispatchapy.Config{
		Settings: dispatchapy.DefaultSettings(),
		Endpoints: []dispatchapy.Endpoint{
			{ID: 11, Path: "send_sms", RequiredParams: []string{"phone", "text"}, MaxBody: 1000},
			{ID: 12, Path: "v2/send"},
			{ID: 13, Path: "retired", Active: &off},
			{ID: 14, Path: "others"},
			{ID: 15, Path: "large", MaxBody: 10 << 20},
		},
		Clients: []dispatchapy.Client{
			{ID: 21, Name: "shop", Token: shopToken, Endpoints: []string{"send_sms", "v2/send", "retired", "large"}},
			{ID: 22, Name: "other", Token: otherToken, Endpoints: []string{"others"}},
		},
	}
	if change != nil {
		change(cfg)
	}
	cfg.Normalize()
	s, err := routing.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve starts a server with the Handler. change may be nil.
func serve(t testing.TB, d *desk, change func(*Options)) *httptest.Server {
	t.Helper()
	opts := Options{
		Snapshots: routing.NewTable(testSnapshot(t, nil)),
		Submitter: d,
		Observer:  d,
		Ready:     func() bool { return !d.notYet },
		Log:       slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&opts)
	}
	server := httptest.NewServer(New(opts))
	t.Cleanup(server.Close)
	return server
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) detail(t testing.TB) string {
	t.Helper()
	var body map[string]string
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || len(body) != 1 {
		t.Fatalf("not an error body: %q", a.body)
	}
	return body["detail"]
}

func send(t testing.TB, server *httptest.Server, method, path, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header[header[i]] = append(req.Header[header[i]], header[i+1]) // in the spelling given
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(got)}
}

func tableOf(t testing.TB) *routing.Table { return routing.NewTable(testSnapshot(t, nil)) }
