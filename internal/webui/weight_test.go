package webui_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"testing"

	"dispatchapy/internal/webui/assets"
)

// What a browser loads for a page that it never saw, in compressed bytes.
const (
	firstVisit = 110 << 10
	withEditor = 260 << 10
	explorer   = 600 << 10
)

var (
	linked   = regexp.MustCompile(`(?:href|src|data-icons)="(/assets/[^"#]+)`)
	imported = regexp.MustCompile(`(?:import|from) ?"(/assets/[^"]+)"`)
)

// TestPagesAreLight adds up what the first visit of a page costs.
func TestPagesAreLight(t *testing.T) {
	g := start(t)
	b, nobody := g.admin(), g.browser()
	lazily := map[string][]string{ // loaded by scripts when the page has such an element
		g.endpoint("sms").own(""):      {"order.js", "sortable.js", "chips.js"},
		g.endpoint("sms").own("rules"): {"mapping.js", "preview.js", "json-editor.js", "editor.js"},
		"/documentation":               {"json-editor.js", "editor.js"}, "/documentation/explorer": {"explorer.js", "swagger-ui.js"},
	}
	for path, most := range map[string]int{
		"/login": firstVisit, "/": firstVisit, "/clients": firstVisit, "/settings/security": firstVisit, "/activity": firstVisit, "/tasks": firstVisit, "/held": firstVisit,
		"/endpoints": firstVisit, g.endpoint("sms").own(""): firstVisit, g.endpoint("sms").own("rules"): withEditor,
		"/documentation": withEditor, "/documentation/explorer": explorer,
	} {
		b := b
		if path == "/login" {
			b = nobody
		}
		page := b.get(path).body
		seen := map[string]int{}
		var load func(url string)
		load = func(url string) {
			if _, known := seen[url]; known {
				return
			}
			answer := b.do(http.MethodGet, url, "", "", http.Header{"Accept-Encoding": {"gzip"}})
			seen[url] = len(answer.body)
			for _, match := range imported.FindAllStringSubmatch(unzipped(t, answer.body), -1) {
				load(match[1])
			}
		}
		for _, match := range linked.FindAllStringSubmatch(page, -1) {
			load(match[1])
		}
		for _, name := range lazily[path] {
			load(assets.Load().URL(name))
		}
		total := zippedSize(t, page)
		for _, size := range seen {
			total += size
		}
		t.Logf("%s: %d bytes in %d files", path, total, len(seen)+1)
		if total > most {
			t.Errorf("the first visit of %s costs %d bytes: %v", path, total, seen)
		}
	}
}

func unzipped(t *testing.T, body string) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func zippedSize(t *testing.T, text string) int {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
