package httpapi_test

import (
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func init() {
	maps.Copy(matrix, map[string]access{"import-original": {nobody: 401, shop: 403, bank: 403, admin: 422, body: "no database"}})
	codes[http.StatusUnprocessableEntity] = dispatchapy.CodeInvalid
	leastRole[dispatchapy.RoleAdmin] = append(leastRole[dispatchapy.RoleAdmin], "import-original")
}

// uploads is a spool for tests.
type uploads struct{ dir string }

func (u uploads) Create() (service.SpoolFile, error) { return os.CreateTemp(u.dir, "upload-*") }
func (u uploads) Remove(path string)                 { _ = os.Remove(path) }

// TestImportOriginal uploads a database of the original: first to see what would
// come, then in earnest, then once more.
func TestImportOriginal(t *testing.T) {
	g := newGateway(t)
	packed, err := os.Open("../cli/testdata/original-1.2.1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	content, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	upload := func(query string) *response {
		return g.do(request{method: http.MethodPost, path: "/v1/import/original?" + query, body: string(file)})
	}
	upload("").wantProblem(409, dispatchapy.CodeConflict)
	planned := upload("merge=true&dry_run=true").want(200)
	planned.wantDocumented(g.document(), http.MethodPost, "/v1/import/original")
	if tasks := planned.object()["tasks"].(map[string]any); tasks["success"] != 55.0 || tasks["held"] != 1.0 || planned.object()["dry_run"] != true {
		t.Error(planned.body)
	}
	if got := g.do(request{method: http.MethodGet, path: "/v1/tasks"}).want(200); !strings.Contains(got.body, `"items":[]`) {
		t.Errorf("trying brought tasks: %s", got.body)
	}
	done := upload("merge=true").want(200)
	if strings.Replace(done.body, `"dry_run":false`, `"dry_run":true`, 1) != planned.body {
		t.Errorf("what came is not what was said: %s\n%s", done.body, planned.body)
	}
	upload("merge=true").wantProblem(409, dispatchapy.CodeConflict)
	left, err := filepath.Glob(filepath.Join(g.uploads, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("uploads are left: %v, %v", left, err)
	}
}
