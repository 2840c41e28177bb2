package webui_test

import (
	"bufio"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"dispatchapy/internal/webui"
)

func init() {
	// Streams do not end by themselves: what they answer is tested below.
	maps.Copy(matrix, map[string]access{"GET /live": {nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200, stream: true}})
}

// listener reads a stream of events.
type listener struct {
	t     *testing.T
	lines *bufio.Scanner
	close func() error
	id    string // of the latest batch
}

func (b *browser) listen(after string) *listener {
	b.g.t.Helper()
	req, err := http.NewRequestWithContext(b.g.t.Context(), http.MethodGet, b.g.url+"/live", nil)
	if err != nil {
		b.g.t.Fatal(err)
	}
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.g.t.Fatal(err)
	}
	b.g.t.Cleanup(func() { res.Body.Close() })
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != "text/event-stream" {
		b.g.t.Fatalf("%d %s", res.StatusCode, got)
	}
	return &listener{t: b.g.t, lines: bufio.NewScanner(res.Body), close: res.Body.Close}
}

// next gives the data of the next batch.
func (l *listener) next() string {
	l.t.Helper()
	for l.lines.Scan() {
		if id, found := strings.CutPrefix(l.lines.Text(), "id: "); found {
			l.id = id
		}
		if data, found := strings.CutPrefix(l.lines.Text(), "data: "); found {
			return data
		}
	}
	l.t.Fatalf("the stream ended: %v", l.lines.Err())
	return ""
}

// until reads batches until one has the text.
func (l *listener) until(text string) string {
	l.t.Helper()
	for {
		if data := l.next(); strings.Contains(data, text) {
			return data
		}
	}
}

func TestPagesHearWhatHappens(t *testing.T) {
	g := start(t)
	admin, shop, bank := g.admin().listen(""), g.client(shopToken).listen(""), g.client(bankToken).listen("")
	for _, l := range []*listener{admin, shop, bank} {
		if got := l.next(); got != "[]" {
			t.Errorf("a stream begins with %s", got)
		}
	}
	g.post(shopToken, "sms", `{"ref":"r1","scope":"s","phone":"1","message":"hush-message"}`)
	for _, l := range []*listener{admin, shop} {
		if got := l.until(`"state":"delivered"`); strings.Contains(got, "hush") {
			t.Errorf("a stream tells %s", got)
		}
	}
	g.post(bankToken, "mail", `{"ref":"r2","scope":"s"}`)
	if got := bank.until(`"kind":"task"`); strings.Contains(got, `"id":1,`) {
		t.Errorf("bank hears of a task of shop: %s", got)
	}
}

func TestAStreamGoesOnWhereItWas(t *testing.T) {
	g := start(t)
	b := g.admin()
	l := b.listen("")
	l.next()
	place := l.id
	_ = l.close()
	g.post(shopToken, "sms", `{"ref":"r1","scope":"s","phone":"1","message":"m"}`)
	again := b.listen(place)
	again.until(`"kind":"task"`)
	if got := b.listen("unknown-7").until("kind"); !strings.Contains(got, "resync") {
		t.Errorf("after an unknown place comes %s", got)
	}
}

func TestAStreamEndsWithTheServer(t *testing.T) {
	g := start(t)
	l := g.admin().listen("")
	l.next()
	begun := time.Now()
	g.stop()
	for l.lines.Scan() {
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

// Where something happens all the time there is no pause in which the session
// would be looked at.
func TestAStreamEndsWithTheSessionOnABusyGateway(t *testing.T) {
	defer webui.Heartbeat(time.Second)()
	g := start(t)
	b := g.client(shopToken)
	l := b.listen("")
	l.next()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for l.lines.Scan() {
		}
	}()
	b.post("/logout", nil)
	for begun := time.Now(); ; {
		select {
		case <-ended:
			return
		default:
		}
		if time.Since(begun) > 15*time.Second {
			t.Fatal("who signed out goes on hearing what happens")
		}
		g.post(shopToken, "sms", `{"ref":"r1","scope":"s","phone":"1","message":"m"}`)
	}
}
