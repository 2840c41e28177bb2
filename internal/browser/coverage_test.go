package browser_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"dispatchapy/internal/webui"
)

// noPages are the routes that answer scripts with a part of a page, or with a
// file.
var noPages = map[string]bool{
	"GET /live": true, "GET /held/count": true, "GET /incidents/count": true,
	"GET /tasks/export": true, "GET /tasks/suggest": true, "GET /tasks/rows": true, "GET /tasks/news": true,
}

// gated is where the gates were, which every page has to go through.
var gated visits

// visits counts who was at which paths. It is safe for concurrent use.
type visits struct {
	mu   sync.Mutex
	seen map[visit]bool
}

type visit struct {
	who  role
	path string
}

func (v *visits) add(who role, path string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		v.seen = map[visit]bool{}
	}
	v.seen[visit{who, path}] = true
}

// missing lists the pages of the route table at which one of those was not who
// may open them.
func (v *visits) missing(pages []webui.Page) (out []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	mux := http.NewServeMux()
	for _, p := range pages {
		mux.Handle(p.Pattern, http.NotFoundHandler())
	}
	been := map[visit]bool{}
	for at := range v.seen {
		_, pattern := mux.Handler(httptest.NewRequest(http.MethodGet, at.path, nil))
		been[visit{at.who, pattern}] = true
	}
	for _, p := range pages {
		if !strings.HasPrefix(p.Pattern, "GET ") || noPages[p.Pattern] {
			continue
		}
		for who, may := range map[role]bool{nobody: p.Strangers, client: p.Clients && !p.Strangers, staff: p.Staff && !p.Strangers} {
			if may && !been[visit{who, p.Pattern}] {
				out = append(out, fmt.Sprintf("%s as %s", p.Pattern, who))
			}
		}
	}
	return out
}

// whole reports whether all tests run, and not some of them.
func whole() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if flag.Lookup(name).Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}

// TestPagesThatAreNotLookedAtAreMissed tries what is said after all tests.
func TestPagesThatAreNotLookedAtAreMissed(t *testing.T) {
	var v visits
	v.add(staff, "/tasks/7?tab=diff")
	v.add(client, "/tasks")
	got := v.missing([]webui.Page{{Pattern: "GET /tasks", Clients: true, Staff: true}, {Pattern: "GET /tasks/{id}", Staff: true}, {Pattern: "POST /tasks", Staff: true}, {Pattern: "GET /login", Strangers: true, Clients: true, Staff: true}})
	if len(got) != 2 || !strings.Contains(strings.Join(got, ", "), "GET /tasks as staff") || !strings.Contains(strings.Join(got, ", "), "GET /login as nobody") {
		t.Errorf("missing is %q", got)
	}
}
