package apidocs

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestDescribe: the description says the same as the OpenAPI document.
func TestDescribe(t *testing.T) {
	snapshot := fixture(t)
	document, err := OpenAPI(snapshot, Viewer{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range snapshot.Endpoints {
		d := Describe(e)
		if e.IsActive() && !strings.Contains(string(document), quoteJSON(d.CallPath)+":") {
			t.Errorf("%s is not a path of the document", d.CallPath)
		}
		if !json.Valid(d.Example) || d.Summary == "" || d.MaxBody != e.MaxBody || d.ID != e.ID {
			t.Errorf("%+v", d)
		}
		if len(d.Parameters) != len(e.RequiredParams) {
			t.Fatalf("%s: %d parameters, want %d", e.Path, len(d.Parameters), len(e.RequiredParams))
		}
		for i, p := range d.Parameters {
			if p.Name != e.RequiredParams[i] || !json.Valid([]byte(p.Example)) {
				t.Errorf("%s: %+v", e.Path, p)
			}
		}
		if p := d.Parameters[0]; p.Name != "ref" || len(p.Types) != 2 || p.About == "" {
			t.Errorf("%+v", p)
		}
	}
}
