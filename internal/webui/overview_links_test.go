package webui_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	tiles     = regexp.MustCompile(`<a class="tile-link [^"]*" href="([^"]*)"><span class="what">.*?</svg>([^<]*)</span><span class="figure">([^<]*)</span>`)
	attention = regexp.MustCompile(`<span class="grow">(\d+) [^<]*</span><span class="actions"><a class="btn small" href="([^"]*)"`)
	linkTo    = regexp.MustCompile(`<a [^>]*href="(/[^"]*)"`)
	rowOfTask = regexp.MustCompile(`data-id="(\d+)"|<tr id="task-(\d+)"`)
	ofTask    = regexp.MustCompile(`href="(/held\?[^"]*task=\d+)[^"]*"`)
)

// follow goes where a link leads, through redirects.
func (b *browser) follow(path string) *answer {
	b.g.t.Helper()
	page := b.get(html.UnescapeString(path))
	for range 3 {
		to := page.header.Get("Location")
		if to == "" {
			break
		}
		page = b.get(to)
	}
	return page
}

// numbersFile has what makes tasks end in every way.
const numbersFile = `
version: 1
resources:
  - {name: works, url: "$sink/works"}
  - {name: strict, url: "$strict/"}
  - {name: off, url: "$sink/off", active: false}
endpoints:
  - {path: ok, resources: [works]}
  - {path: never, resources: [strict]}
  - {path: wait, resources: [off]}
clients:
  - {name: app, token: dpy_numbers-app-token-0123456789, endpoints: [ok, never, wait]}
  - {name: holder, token: dpy_numbers-holder-token-0123456789, endpoints: [ok], dev: {hold: true}}
`

// TestNumbersOfTheOverviewLeadToWhatTheyCount follows every number of the
// overview, and counts what it finds there.
func TestNumbersOfTheOverviewLeadToWhatTheyCount(t *testing.T) {
	g := start(t)
	strict := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	t.Cleanup(strict.Close)
	g.manage(http.MethodPut, "/v1/config?prune=true", strings.NewReplacer("$sink", g.sink.URL, "$strict", strict.URL).Replace(numbersFile), http.StatusOK)
	const app, holder = "dpy_numbers-app-token-0123456789", "dpy_numbers-holder-token-0123456789"
	body := `{"ref":"r","scope":"s"}`
	var all []int64
	for range 5 {
		all = append(all, g.post(app, "ok", body))
	}
	for range 4 {
		all = append(all, g.post(app, "never", body))
	}
	for range 3 {
		all = append(all, g.post(holder, "ok", body))
	}
	for _, task := range all {
		g.settled(task)
	}
	b := g.admin()
	b.post("/tasks", url.Values{"do": {"delete"}, "id": {id(all[5])}}).want(303) // one that failed
	for range 2 {
		stopped := g.post(app, "wait", body)
		b.post("/tasks", url.Values{"do": {"stop"}, "id": {id(stopped)}}).want(303)
	}
	for range 6 {
		g.post(app, "wait", body)
	}
	want := map[string]string{"Delivered, 24 h": "5", "Failed, 24 h": "3", "Queued": "6", "Sending": "0", "Held": "3", "Stopped": "2", "p95 to deliver": ""}
	for name, visitor := range map[string]*browser{"admin": b, "client": g.client(app)} {
		page := visitor.get("/").want(200)
		found := tiles.FindAllStringSubmatch(page.body, -1)
		if len(found) != len(want) {
			t.Fatalf("%s: the tiles are %q", name, found)
		}
		for _, tile := range found {
			path, label, figure := tile[1], tile[2], tile[3]
			expected := want[label]
			if name == "client" && label == "Held" {
				expected = "0" // they are another client's
			}
			if figure != expected && label != "p95 to deliver" {
				t.Errorf("%s: %s is %s, want %s", name, label, figure, expected)
			}
			if label == "p95 to deliver" {
				expected = "5" // those that it is measured of
			}
			visitor.counted(path, expected)
		}
		for _, link := range linkTo.FindAllStringSubmatch(page.content(), -1) {
			if got := visitor.follow(link[1]); got.status != http.StatusOK {
				t.Errorf("%s: %s answers %d", name, link[1], got.status)
			}
		}
	}
	page := b.get("/")
	told := attention.FindAllStringSubmatch(page.body, -1)
	if len(told) < 2 {
		t.Fatalf("what needs attention is %q", told)
	}
	for _, a := range told {
		b.counted(a[2], a[1])
	}
}

// counted counts the tasks at an address.
func (b *browser) counted(path, want string) {
	b.g.t.Helper()
	page := b.follow(path).want(200)
	found := map[string]bool{}
	for _, row := range rowOfTask.FindAllStringSubmatch(page.body, -1) {
		found[row[1]+row[2]] = true
	}
	if strings.HasPrefix(path, "/held") {
		for _, row := range ofTask.FindAllStringSubmatch(page.body, -1) {
			found[row[1]] = true
		}
	}
	if got := id(int64(len(found))); got != want {
		b.g.t.Errorf("%s has %s tasks, want %s", path, got, want)
	}
}
