package webui_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy/internal/webui"
)

var update = flag.Bool("update", false, "write the golden files of pages anew")

// goldens is where the outline of every page is, by fixture: a gateway with
// nothing in it, one with something of everything, and one in which everybody
// wrote what breaks careless pages.
const goldens = "testdata/pages"

// TestPagesSayWhatTheySaid compares the outline of every page with the one that
// was looked at and committed:
//
//	go test ./internal/webui -run TestPagesSayWhatTheySaid -update
func TestPagesSayWhatTheySaid(t *testing.T) {
	if *update {
		if err := os.RemoveAll(goldens); err != nil {
			t.Fatal(err)
		}
	}
	for name, fixture := range map[string]func(*testing.T) *gateway{"empty": nothingIn, "full": wordsIn, "hostile": hostileIn} {
		t.Run(name, func(t *testing.T) {
			g := fixture(t)
			pages := staticPages(g.admin())
			if name != "empty" {
				maps.Copy(pages, pagesOfObjects(g, g.admin()))
				maps.Copy(pages, pagesOfClient(g.client(shopToken)))
			}
			checkGoldens(t, filepath.Join(goldens, name), pages)
			if name == "hostile" {
				wantsNothingRun(t, pages)
			}
		})
	}
}

// noPages are answers that are read by scripts or written into files, and the
// pages on which the time of day or the machine decides.
var noPages = []string{"/live", "/tasks/export", "/tasks/suggest", "/tasks/news", "/documentation/explorer", "/settings/about"}

// staticPages gives every page that is about no object of its own, by path.
func staticPages(b *browser) map[string]*answer {
	pages := map[string]*answer{}
	for _, pattern := range webui.Routes() {
		path, isGet := strings.CutPrefix(strings.ReplaceAll(pattern, "{$}", ""), "GET ")
		if isGet && !strings.Contains(path, "{") && !slices.Contains(noPages, path) {
			pages[path] = b.get(path)
		}
	}
	return pages
}

// pagesOfObjects gives every page about an object, for one of each kind, and
// each of the tasks.
func pagesOfObjects(g *gateway, b *browser) map[string]*answer {
	of := func(list, key, value string) int64 { return int64(g.listed(list, key, value)["id"].(float64)) }
	ids := map[string]int64{
		"/tasks/": 1, "/incidents/": of("/v1/incidents", "resource", "gone"), "/incidents/notifications/": of("/v1/notifications", "channel", "chat"),
		"/resources/": of("/v1/resources", "name", "backup") - 1, "/endpoints/": of("/v1/endpoints", "path", "sms"), "/clients/": of("/v1/clients", "name", "bank") - 1,
		"/settings/users/": of("/v1/users", "name", "olivia"), "/settings/tokens/": of("/v1/tokens", "name", "dashboard"),
	}
	pages := map[string]*answer{}
	for _, pattern := range webui.Routes() {
		path, isGet := strings.CutPrefix(pattern, "GET ")
		if before, after, isOne := strings.Cut(path, "{id}"); isGet && isOne {
			pages[path] = b.get(before + id(ids[before]) + after).want(http.StatusOK)
		}
	}
	for task := int64(2); task <= tasksOfFixture; task++ {
		pages["/tasks/"+id(task)] = b.get("/tasks/" + id(task)).want(http.StatusOK)
	}
	pages["/resources/{id} down"] = b.get("/resources/" + id(of("/v1/resources", "name", "gone"))).want(http.StatusOK)
	pages["/settings/alerts/channel?name=chat"] = b.get("/settings/alerts/channel?name=chat").want(http.StatusOK)
	return pages
}

// pagesOfClient gives what a client sees.
func pagesOfClient(b *browser) map[string]*answer {
	pages := map[string]*answer{}
	for _, path := range []string{"/", "/tasks", "/tasks/1", "/held", "/documentation", "/settings"} {
		pages["client "+path] = b.get(path)
	}
	return pages
}

func checkGoldens(t *testing.T, dir string, pages map[string]*answer) {
	t.Helper()
	written := map[string]bool{}
	for path, page := range pages {
		file := fileOf(path)
		written[file] = true
		got := page.outlined()
		if *update {
			writeFile(t, filepath.Join(dir, file), got)
			continue
		}
		want, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Errorf("%s has no golden file: look at the page, then run the test with -update", path)
			continue
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s says something else; if that is meant, run the test with -update (-golden +now):\n%s", path, diff)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !written[f.Name()] {
			t.Errorf("%s is of no page any more", filepath.Join(dir, f.Name()))
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fileOf gives the name of a page's golden file.
func fileOf(path string) string {
	name := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(path, "-"), "-")
	if name == "" {
		name = "overview"
	}
	return name + ".txt"
}

// outlined gives the outline of the page with a line about the answer before
// it, in which nothing is left that differs between two runs.
func (a *answer) outlined() string {
	a.t.Helper()
	text, err := outline(a.body)
	if err != nil {
		a.t.Fatal(err)
	}
	first := fmt.Sprintf("%d %s", a.status, a.header.Get("Location"))
	return strings.TrimSpace(first) + "\n" + steady(text)
}

// unsteady is what differs between two runs.
var unsteady = []struct {
	found *regexp.Regexp
	says  string
}{
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?`), "‹date›"},
	{regexp.MustCompile(`\b\d\d:\d\d(:\d\d)?\b`), "‹clock›"},
	{regexp.MustCompile(`(\d+[ \x{a0}\x{202f}](h|min)[ \x{a0}\x{202f}])?\b\d+(\.\d+)?[ \x{a0}\x{202f}](ns|µs|ms|s|min|h|d)\b`), "‹duration›"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "‹key›"},
	{regexp.MustCompile(`\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} ‹clock›`), "‹date›"},
	{regexp.MustCompile(`(row \| ‹(clock|time)›( \| (–|\d+|‹duration›))+\n)+`), "row for each hour\n"}, // the hour may end meanwhile
	{regexp.MustCompile(`at most \d+ in one`), "at most ‹so many› in one"},
	{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "‹uuid›"},
	{regexp.MustCompile(`\b(127\.0\.0\.1|localhost|\[::1\]):\d{4,5}\b`), "‹host›"},
}

func steady(text string) string {
	for _, u := range unsteady {
		text = u.found.ReplaceAllString(text, u.says)
	}
	return text
}

// wantsNothingRun checks that what people wrote is text wherever it is shown.
func wantsNothingRun(t *testing.T, pages map[string]*answer) {
	t.Helper()
	for path, page := range pages {
		if i := strings.Index(page.body, "<img src=x"); i >= 0 {
			t.Errorf("%s lets run what somebody wrote: …%.200s", path, page.body[max(i-100, 0):])
		}
	}
}

func nothingIn(t *testing.T) *gateway { return startWith(t, "") }

// fixtureFile is a gateway with something of everything; $word stands wherever
// people choose the words.
const fixtureFile = `
version: 1
settings:
  max_attempts: 1
  smtp: {host: mail.example.org, port: 587, username: gateway, password: hush-smtp, from: gateway@example.org}
  alerts: # one cause, one incident, one message: what is told of together depends on time
    endpoint_down: {enabled: false}
    endpoint_on_backup: {enabled: false}
    failures_high: {enabled: false}
    channels: [{name: chat, group_for: 1s, webhook: {url: "$sink/told", payload: {text: $word}}}]
resources:
  - name: $word
    url: "$sink/primary"
    headers: {X-Key: hush-header, X-Word: plain}
    required_params: [to, text]
    notify: {email: {to: [ops@example.org], subject: $word}}
    maintenance: [{note: $word, from: 2099-01-03T02:00:00Z, until: 2099-01-03T03:00:00Z}]
  - {name: backup, url: "$sink/backup"}
  - {name: dead, url: "http://127.0.0.1:1/dead"}
  - {name: gone, url: "http://127.0.0.1:1/gone", health_check: {enabled: true, interval: {min: 10h, max: 20h}}}
endpoints:
  - path: sms
    description: $word
    required_params: [phone, message]
    resources: [$word, backup]
    mapping: {$word: {to: {from: phone}, text: {template: $template}}}
    dev: {rules_enabled: true, rules: [{if: {param: scope, matches: "^test$"}, set: {param: phone, value: $word}}]}
  - {path: mail, resources: [dead]}
  - {path: held, resources: [backup], dev: {hold: true, enabled: true}}
  - {path: idle, active: false}
clients:
  - {name: $word, token: dpy_pages-shop-token-0123456789, endpoints: [sms, mail, held]}
  - {name: bank, token: dpy_pages-bank-token-0123456789, endpoints: [mail], dev: {rules_enabled: true, rules: [{set: {param: text, value: $word}}]}}
`

const tasksOfFixture = 5

// filled is a gateway in which people wrote a word wherever they could.
func filled(t *testing.T, word string) *gateway {
	t.Helper()
	quoted, err := json.Marshal(word)
	if err != nil {
		t.Fatal(err)
	}
	template, err := json.Marshal(`{{message}} ` + strings.NewReplacer("{{", "{ {").Replace(word))
	if err != nil {
		t.Fatal(err)
	}
	g := startWith(t, strings.NewReplacer("$word", string(quoted), "$template", string(template)).Replace(fixtureFile))
	g.says.Store(word)
	g.untilDown(g.resource("gone"))
	g.notified(1)
	for i, at := range []string{"sms", "sms", "mail", "held", "held"} {
		scope := []string{"prod", "test"}[i%2]
		task := g.post(shopToken, at, fmt.Sprintf(`{"ref":"inv-%d","scope":%q,"phone":"+6281100","message":%s}`, i+1, scope, quoted))
		g.settled(task)
	}
	g.manage(http.MethodPost, "/v1/tasks/5/stop", "{}", http.StatusOK)
	g.manage(http.MethodPost, "/v1/users", `{"name":"olivia","password":"correct horse battery","role":"operator"}`, http.StatusCreated)
	g.manage(http.MethodPost, "/v1/tokens", `{"name":"dashboard","role":"viewer"}`, http.StatusCreated)
	return g
}

func wordsIn(t *testing.T) *gateway { return filled(t, "a few words") }

func hostileIn(t *testing.T) *gateway {
	return filled(t, hostileTexts["markup"]+" "+hostileTexts["rtl"]+" "+hostileTexts["emoji"])
}
