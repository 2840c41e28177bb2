package assets

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestVendoredFilesAreThoseOfTheLockFile compares every vendored file with the
// hash under which it was taken in.
func TestVendoredFilesAreThoseOfTheLockFile(t *testing.T) {
	text, err := os.ReadFile("vendor.lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock []struct{ File, Package, Version, Licence, SHA256 string }
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, entry := range lock {
		if strings.HasPrefix(entry.File, "../") {
			continue // only for tests
		}
		known[entry.File+".gz"] = true
		hash := sha256.Sum256(unzip(read("vendor/" + entry.File + ".gz")))
		if got := hex.EncodeToString(hash[:]); got != entry.SHA256 {
			t.Errorf("%s is not the file of the lock file", entry.File)
		}
		if entry.Package == "" || entry.Version == "" || entry.Licence == "" {
			t.Errorf("%s: package, version or licence is missing", entry.File)
		}
	}
	for _, file := range list("vendor") {
		if !known[file] {
			t.Errorf("%s is not in the lock file", file)
		}
	}
}

// TestTheBinaryGrowsLittle is gate G21: what is embedded for the pages.
func TestTheBinaryGrowsLittle(t *testing.T) {
	const most = 3 << 19 // bytes: 1.5 MB
	total := 0
	for _, folder := range []string{"css", "js", "img", "vendor"} {
		for _, name := range list(folder) {
			total += len(read(folder + "/" + name))
		}
	}
	t.Logf("%d bytes are embedded", total)
	if total > most {
		t.Errorf("%d bytes are embedded", total)
	}
}

func get(t *testing.T, set *Set, path, encoding string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	req.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	set.ServeHTTP(w, req)
	return w
}

func TestAssetsAreServedForEver(t *testing.T) {
	set := Load()
	for _, name := range set.Names() {
		url := set.URL(name)
		zipped := get(t, set, url, "gzip, br")
		if zipped.Code != 200 || zipped.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(zipped.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", name, zipped.Code, zipped.Header())
		}
		plain := get(t, set, url, "br, gzip;q=0")
		if plain.Header().Get("Content-Encoding") != "" || string(unzip(zipped.Body.Bytes())) != plain.Body.String() {
			t.Errorf("%s is another file where it is not compressed", name)
		}
	}
	if w := get(t, set, Prefix+"app.css", "gzip"); w.Code != 404 {
		t.Errorf("a name without a hash gives %d", w.Code)
	}
}

// TestScriptsNameEachOtherByContent looks into a script that imports others.
func TestScriptsNameEachOtherByContent(t *testing.T) {
	set := Load()
	app := string(unzip(get(t, set, set.URL("app.js"), "gzip").Body.Bytes()))
	for _, want := range []string{`import "` + set.URL("live.js") + `"`, `import("` + set.URL("json-editor.js") + `")`} {
		if !strings.Contains(app, want) {
			t.Errorf("app.js has no %s", want)
		}
	}
	if strings.Contains(app, `"./`) {
		t.Error("app.js names a file by where it stands in the source")
	}
}

func TestEveryPartOfTheStyleSheetIsListed(t *testing.T) {
	for _, file := range list("css") {
		if file == "explorer.css" {
			continue // is served by itself
		}
		if !strings.Contains(string(styleSheet(styles))+string(styleSheet(statusStyles)), "@layer "+strings.TrimSuffix(file, ".css")+" {") {
			t.Errorf("%s is in no layer", file)
		}
	}
}
