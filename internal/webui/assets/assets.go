// Package assets serves what the pages consist of beside HTML: styles, scripts
// and icons. Everything is embedded, named by its content (app.3f2a9c01.css) so
// that browsers keep it for ever, and compressed once.
//
// Vendored libraries are embedded compressed, as scripts/vendor.mjs wrote them;
// vendor.lock.json says what they are.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

//go:embed css/*.css js/*.js img/*.svg vendor/*.gz
var embedded embed.FS

// Prefix is where the assets are served.
const Prefix = "/assets/"

// styles are the parts of app.css, in this order: later ones may rely on
// earlier ones.
var styles = []string{"tokens", "base", "layout", "controls", "forms", "data", "task", "live", "pages", "tasks", "rules", "settings", "resources", "endpoints", "alerts", "print"}

// statusStyles are the parts of status.css, for the page of which strangers load
// nothing else.
var statusStyles = []string{"tokens", "base", "status"}

// Set is the assets of one binary. It is immutable.
type Set struct {
	urls   map[string]string // name -> URL with its hash
	byPath map[string]*asset // URL path -> asset
}

type asset struct {
	contentType string
	plain       []byte // nil for vendored files: made of zipped where somebody cannot unzip
	zipped      []byte
}

// Load reads what is embedded. It panics if that is not consistent, which a
// test would have found.
func Load() *Set {
	s := &Set{urls: map[string]string{}, byPath: map[string]*asset{}}
	s.addVendored()
	s.add("app.css", styleSheet(styles))
	s.add("status.css", styleSheet(statusStyles))
	s.add("explorer.css", read("css/explorer.css"))
	for _, name := range list("img") {
		s.add(name, read("img/"+name))
	}
	for _, name := range list("js") {
		s.addScript(name, nil)
	}
	return s
}

// URL gives the address of an asset. It panics for a name that there is not:
// templates are executed by tests.
func (s *Set) URL(name string) string {
	url, ok := s.urls[name]
	if !ok {
		panic("assets: there is no " + name)
	}
	return url
}

// Size gives the number of bytes that a browser loads for an asset.
func (s *Set) Size(name string) int { return len(s.byPath[s.URL(name)].zipped) }

// Names lists the assets.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.urls))
	for name := range s.urls {
		names = append(names, name)
	}
	return names
}

func list(dir string) []string {
	entries, err := fs.ReadDir(embedded, dir)
	if err != nil {
		panic(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

func read(name string) []byte {
	data, err := embedded.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return data
}

// styleSheet puts the parts together. Each is a layer of its own name, so that
// a page's style never depends on how specific a selector happens to be.
func styleSheet(parts []string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "@layer %s;\n", strings.Join(parts, ", "))
	for _, name := range parts {
		fmt.Fprintf(&out, "@layer %s {\n%s}\n", name, read("css/"+name+".css"))
	}
	return out.Bytes()
}

// imported finds the files that a script names, in imports or as asset("./x").
var imported = regexp.MustCompile(`(from|import|asset)(\s*\(?)"\./([a-z0-9-]+\.(?:js|css))"`)

// addScript adds a module after those that it imports, whose names it replaces
// by their URLs.
func (s *Set) addScript(name string, above []string) {
	if _, done := s.urls[name]; done {
		return
	}
	for _, other := range above {
		if other == name {
			panic("assets: modules import each other in a circle: " + strings.Join(append(above, name), " > "))
		}
	}
	text := imported.ReplaceAllFunc(read("js/"+name), func(match []byte) []byte {
		parts := imported.FindSubmatch(match)
		other := string(parts[3])
		s.addScript(other, append(above, name))
		return fmt.Appendf(nil, `%s%s"%s"`, parts[1], parts[2], s.urls[other])
	})
	s.add(name, text)
}

func (s *Set) addVendored() {
	for _, file := range list("vendor") {
		zipped := read("vendor/" + file)
		name := strings.TrimSuffix(file, ".gz")
		s.put(name, zipped, &asset{contentType: typeOf(name), zipped: zipped})
	}
}

func (s *Set) add(name string, plain []byte) {
	s.put(name, plain, &asset{contentType: typeOf(name), plain: plain, zipped: zip(plain)})
}

func (s *Set) put(name string, content []byte, a *asset) {
	hash := sha256.Sum256(content)
	ext := path.Ext(name)
	url := Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(hash[:4]) + ext
	s.urls[name], s.byPath[url] = url, a
}

func typeOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	panic("assets: no content type for " + name)
}

func zip(plain []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(plain); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// ServeHTTP implements http.Handler for everything under Prefix.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := s.byPath[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := a.zipped
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
	} else if body = a.plain; body == nil {
		body = unzip(a.zipped)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the browser may be gone
	}
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding == "gzip" && strings.TrimSpace(params) != "q=0" {
			return true
		}
	}
	return false
}

func unzip(zipped []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		panic(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return plain
}
