package browser_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chooseFile gives a file to the field that a selector names.
func (b *tab) chooseFile(selector, path string) {
	b.t.Helper()
	object, err := chromedp.Call(b.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "document.querySelector(" + quoted(selector) + ")"})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{path}, ObjectID: object.Result.ObjectID}); err != nil {
		b.t.Fatal(err)
	}
}

// TestTransfer is flow B16: a file is compared, a bad one changes nothing, the
// configuration goes and comes back, and the original's database is imported.
func TestTransfer(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/settings/transfer")
	b.gates("transfer", "/settings/transfer")
	_, before := g.manage(http.MethodGet, "/v1/config", "")

	b.goTo("/settings/transfer")
	b.fill("Or its text", "version: 1\nresources:\n  - {name: x, colour: red}\n")
	b.click("Compare")
	b.see("pasted.yaml:3:")
	if got := b.value("Or its text"); !strings.Contains(got, "colour: red") {
		t.Errorf("the text is gone: %q", got)
	}
	if _, after := g.manage(http.MethodGet, "/v1/config", ""); after != before {
		t.Error("a bad file changed something")
	}

	b.fill("Or its text", "version: 1\nresources:\n  - {name: Primary SMS, url: \"http://127.0.0.1:1/new\", headers: {Authorization: \"[redacted]\"}, required_params: [to, text]}\nclients:\n  - {name: crm, endpoints: [send_alert]}\n")
	b.click("Compare")
	b.see("one created")
	b.see("one changed")
	b.see("http://127.0.0.1:1/new")
	b.notSee("hush-provider-key")
	path := js[string](b, `location.pathname`)
	b.gates("transfer-compare", path)
	b.goTo(path)
	b.click("Apply")
	b.see("Tokens of new clients")
	b.accessible()
	b.shot("transfer-applied")

	wipe := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(wipe, []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.apply(shopFile)
	file := filepath.Join(t.TempDir(), "full.yaml")
	_, full := g.request(http.MethodGet, "/v1/config", "", http.Header{"Authorization": {"Bearer " + adminToken}, "Accept": {"application/yaml"}})
	if err := os.WriteFile(file, []byte(full), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ path, sees string }{{wipe, "6 removed"}, {file, "6 created"}} {
		b.goTo("/settings/transfer")
		b.chooseFile("#f-file", step.path)
		b.click("Remove what is absent")
		b.click("Compare")
		b.see(step.sees)
		b.click("Apply")
		b.see("was applied.")
	}
	if _, again := g.request(http.MethodGet, "/v1/config", "", http.Header{"Authorization": {"Bearer " + adminToken}, "Accept": {"application/yaml"}}); again != full {
		t.Error("the configuration is another one after it went and came back")
	}

	b.goTo("/settings/transfer")
	b.chooseFile("#f-original", unpackedOriginal(t))
	b.click("Upload and look")
	b.see("55 success, 3 failed, 1 held")
	path = js[string](b, `location.pathname`)
	b.gates("transfer-original", path)
	b.goTo(path)
	b.click("Import 59 tasks")
	b.see("was imported.")
	b.accessible()
	if _, counts := g.manage(http.MethodGet, "/v1/tasks/counts", ""); !strings.Contains(counts, `"delivered":{"count":55`) {
		t.Error(counts)
	}
}

func unpackedOriginal(t *testing.T) string {
	t.Helper()
	packed, err := os.Open("../cli/testdata/original-1.2.1.db.gz")
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
	path := filepath.Join(t.TempDir(), "gateway.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
