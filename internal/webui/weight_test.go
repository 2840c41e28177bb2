package webui_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"testing"
)

// firstVisit is what a browser loads for a page that it never saw, in
// compressed bytes.
const firstVisit = 110 << 10

var (
	linked   = regexp.MustCompile(`(?:href|src|data-icons)="(/assets/[^"#]+)`)
	imported = regexp.MustCompile(`(?:import|from) ?"(/assets/[^"]+)"`)
)

// TestPagesAreLight adds up what the first visit of a page costs.
func TestPagesAreLight(t *testing.T) {
	g := start(t)
	for path, b := range map[string]*browser{"/login": g.browser(), "/": g.admin()} {
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
		total := zippedSize(t, page)
		for _, size := range seen {
			total += size
		}
		t.Logf("%s: %d bytes in %d files", path, total, len(seen)+1)
		if total > firstVisit {
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
