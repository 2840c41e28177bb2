package httpapi

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"dispatchapy"
	"dispatchapy/internal/service"
)

const (
	importPath   = "/v1/import/original"
	typeSQLite   = "application/vnd.sqlite3"
	uploadWithin = 15 * time.Minute // an upload and its import may take
)

// Upload is the input of an operation whose body may be too large for memory.
type Upload struct{ body io.Reader }

// Resolve implements huma.Resolver. The time that requests have otherwise is
// too short for a large file.
func (u *Upload) Resolve(ctx huma.Context) []error {
	u.body = ctx.BodyReader()
	if r, w := humago.Unwrap(ctx); r != nil {
		until, control := time.Now().Add(uploadWithin), http.NewResponseController(w)
		_ = control.SetReadDeadline(until) // then the usual time has to do
		_ = control.SetWriteDeadline(until)
	}
	return nil
}

// imported is what an import brought, or would bring.
type imported struct {
	DryRun    bool           `json:"dry_run"`
	Resources int            `json:"resources" doc:"In the file"`
	Endpoints int            `json:"endpoints"`
	Clients   int            `json:"clients"`
	Tasks     map[string]int `json:"tasks" doc:"By status"`
	Attempts  int            `json:"attempts"`
	Checks    int            `json:"checks"`
	Deleted   []string       `json:"deleted" doc:"Names that tasks have and the configuration has not"`
	Kept      []string       `json:"kept" doc:"Objects that the gateway had already, and that stay"`
	Mended    []string       `json:"mended" doc:"What was wrong with the file, and what was done about it"`
}

func newImported(r *service.Imported, dryRun bool) imported {
	out := imported{
		DryRun: dryRun, Resources: r.Resources, Endpoints: r.Endpoints, Clients: r.Clients, Tasks: map[string]int{}, Attempts: r.Attempts, Checks: r.Checks,
		Deleted: emptyIfNil(r.Deleted), Kept: emptyIfNil(r.Kept), Mended: emptyIfNil(r.Mended),
	}
	for status, n := range r.Tasks {
		out.Tasks[string(status)] = n
	}
	return out
}

func (a *api) registerImport() {
	type input struct {
		DryRun bool `query:"dry_run" doc:"Say what would come, and change nothing"`
		Merge  bool `query:"merge" doc:"Into a gateway that has something already. What it has stays as it is"`
		Again  bool `query:"again" doc:"Although tasks of the file are here already: they are then here twice"`
		Upload
	}
	op := operation(http.MethodPost, importPath, "import-original", "config", "Import a database of Dispatchapy 1.2.1")
	op.Description = "Stop the original first: tasks that wait there are sent from here as soon as they have come. " +
		"The configuration comes in one change, the history in steps; tasks get new numbers, and the old one is in their log."
	op.RequestBody = &huma.RequestBody{Description: "The SQLite file", Required: true, Content: map[string]*huma.MediaType{
		typeSQLite: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *input) (*answer[imported], error) {
		path, err := a.service.KeepUpload(ctx, p, in.body)
		if err != nil {
			return nil, err
		}
		defer a.service.DropUpload(path)
		done, err := a.service.ImportOriginal(ctx, p, path, service.OriginalOptions{DryRun: in.DryRun, Merge: in.Merge, Again: in.Again, Name: defaultFile})
		if err != nil {
			return nil, err
		}
		return &answer[imported]{newImported(&done, in.DryRun)}, nil
	})
}
