package webui_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

func init() {
	only := func(admin int, path string) access {
		a := access{nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: admin}
		if path != "" {
			a.path = func(*gateway, string) string { return path }
		}
		return a
	}
	maps.Copy(matrix, map[string]access{
		"GET /settings/transfer":                 only(200, ""),
		"POST /settings/transfer/export":         only(200, ""),
		"POST /settings/transfer/compare":        only(422, ""),
		"GET /settings/transfer/compare/{key}":   only(404, "/settings/transfer/compare/x"),
		"POST /settings/transfer/compare/{key}":  only(404, "/settings/transfer/compare/x"),
		"POST /settings/transfer/original":       only(422, ""),
		"GET /settings/transfer/original/{key}":  only(404, "/settings/transfer/original/x"),
		"POST /settings/transfer/original/{key}": only(404, "/settings/transfer/original/x"),
	})
}

// send posts a form with a file in it, the file last.
func (b *browser) send(path, field, name string, content []byte, values url.Values) *answer {
	b.g.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	fields := maps.Clone(values)
	if fields == nil {
		fields = url.Values{}
	}
	if !fields.Has("csrf") {
		fields.Set("csrf", b.csrf())
	}
	for key := range fields {
		if err := form.WriteField(key, fields.Get(key)); err != nil {
			b.g.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile(field, name)
	if err != nil {
		b.g.t.Fatal(err)
	}
	_, _ = part.Write(content)
	if err := form.Close(); err != nil {
		b.g.t.Fatal(err)
	}
	return b.do(http.MethodPost, path, form.FormDataContentType(), body.String(), nil)
}

// TestExportAndImport is flow B16 without a script: what is exported and
// imported after everything was deleted gives the same export.
func TestExportAndImport(t *testing.T) {
	g := start(t)
	b := g.admin()
	export := func(values url.Values) *answer { return b.post("/settings/transfer/export", values) }
	plain := export(url.Values{"secrets": {"plain"}}).want(200).shows("hush-header", "version: 1")
	if got := plain.header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=dispatchapy-20") {
		t.Error(got)
	}
	export(url.Values{"secrets": {"masked"}, "format": {"json"}}).want(200).shows("[redacted]", `"version":`).hides("hush-header")
	export(url.Values{"secrets": {"sealed"}}).want(422).shows("give a passphrase")
	export(url.Values{"secrets": {"sealed"}, "passphrase": {"short"}}).want(422).shows("at least 12 characters").hides(`value="short"`)
	sealed := export(url.Values{"secrets": {"sealed"}, "passphrase": {"a long passphrase"}}).want(200).hides("hush-header")

	wipe := b.send("/settings/transfer/compare", "file", "empty.yaml", []byte("version: 1\nresources: []\n"), url.Values{"prune": {"on"}}).want(303)
	page := b.get(wipe.header.Get("Location")).want(200).shows("6 removed", "What is absent from the file is removed").hides("hush-header")
	b.post(wipe.header.Get("Location"), url.Values{"version": {page.value("version")}}).want(200).shows("was applied")
	b.get("/clients").shows("No clients yet")

	b.send("/settings/transfer/compare", "file", "sealed.yaml", []byte(sealed.body), nil).want(422).shows("give the passphrase that they were sealed with")
	b.send("/settings/transfer/compare", "file", "sealed.yaml", []byte(sealed.body), url.Values{"file_passphrase": {"another passphrase"}}).want(422).shows("does not open it")
	back := b.send("/settings/transfer/compare", "file", "sealed.yaml", []byte(sealed.body), url.Values{"file_passphrase": {"a long passphrase"}}).want(303)
	page = b.get(back.header.Get("Location")).want(200).shows("6 created", "sealed.yaml", "[redacted]").hides("hush-header")
	b.post(back.header.Get("Location"), url.Values{"version": {"1"}}).want(409).shows("was changed in the meantime")
	b.post(back.header.Get("Location"), url.Values{}).want(409)
	b.post(back.header.Get("Location"), url.Values{"version": {page.value("version")}}).want(200)
	b.post(back.header.Get("Location"), url.Values{"version": {page.value("version")}}).want(404)
	if again := export(url.Values{"secrets": {"plain"}}).want(200); again.body != plain.body {
		t.Errorf("the export is another one:\n%s\n%s", plain.body, again.body)
	}
}

func TestBadFilesChangeNothing(t *testing.T) {
	g := start(t)
	b := g.admin()
	before := g.manage(http.MethodGet, "/v1/config", "", 200)
	paste := func(text string) *answer {
		return b.post("/settings/transfer/compare", url.Values{"text": {text}}).want(422)
	}
	paste("").shows("choose a file, or paste its text")
	paste("version: 1\nresources:\n  - {name: x, url: \"http://x\", colour: red}\n").shows("pasted.yaml:3:", "colour", "the key is not known", `colour: red`)
	paste("version: 1\nclients:\n  - name: crm\n    endpoints: [gone]\n").shows("pasted.yaml:4:", "there is no endpoint")
	paste("version: [1\n").shows("pasted.yaml:")
	paste(hostileTexts["markup"]).hides("<img src=x")
	b.send("/settings/transfer/compare", "file", hostileTexts["markup"]+".yaml", []byte("version: 2\n"), nil).want(422).shows("only version 1 is known").hides("<img src=x")
	if after := g.manage(http.MethodGet, "/v1/config", "", 200); after != before {
		t.Error("something was changed")
	}
	got := b.post("/settings/transfer/compare", url.Values{"text": {"version: 1\nclients: [{name: crm}]\n"}}).want(303)
	page := b.get(got.header.Get("Location")).want(200).shows("one created")
	done := b.post(got.header.Get("Location"), url.Values{"version": {page.value("version")}}).want(200).shows("Tokens of new clients")
	if shownToken.FindString(done.body) == "" {
		t.Error("the token of the new client is not shown")
	}
	got = b.post("/settings/transfer/compare", url.Values{"text": {"version: 1\n"}}).want(303)
	b.get(got.header.Get("Location")).want(200).shows("Nothing to change")
	g.admin().get(got.header.Get("Location")).want(200) // the same person
}

// TestOriginalIsImported uploads the original's database, looks, and imports it.
func TestOriginalIsImported(t *testing.T) {
	g := start(t)
	b := g.admin()
	file := unpacked(t, "../cli/testdata/original-1.2.1.db.gz")
	upload := func(values url.Values) *answer {
		return b.send("/settings/transfer/original", "file", "gateway.db", file, values)
	}
	upload(url.Values{"csrf": {"guessed"}}).want(403)
	b.send("/settings/transfer/original", "file", hostileTexts["markup"], []byte("no database"), nil).want(422).shows("is not an SQLite database").hides("<img src=x", "upload-")
	b.send("/settings/transfer/original", "file", "", nil, nil).want(422).shows("choose the original")
	at := upload(nil).want(303).header.Get("Location")
	b.get(at).want(200).shows("What gateway.db brings", "55 success, 3 failed, 1 held", "things are mended", "Import 59 tasks", "O&#39;Neil&#39;s CRM")
	if got := g.manage(http.MethodGet, "/v1/tasks", "", 200); !strings.Contains(got, `"items":[]`) {
		t.Error("looking brought tasks")
	}
	b.post(at, nil).want(200).shows("gateway.db was imported.", "55 success, 3 failed, 1 held")
	b.post(at, nil).want(404)
	b.get("/clients").shows("Billing service", "shop")

	at = upload(nil).want(303).header.Get("Location")
	b.get(at).shows("objects are here already")
	again := b.post(at, nil).want(422).shows("is here already, as task", "have those tasks twice")
	match := regexp.MustCompile(`action="(/settings/transfer/original/\w+)"`).FindStringSubmatch(again.body)
	b.post(match[1], url.Values{"again": {"on"}}).want(200).shows("gateway.db was imported.")
}

func unpacked(t *testing.T, path string) []byte {
	t.Helper()
	packed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	reader, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
