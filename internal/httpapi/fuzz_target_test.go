package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/deliver"
)

// lasting is a testing.TB under which a gateway outlives one fuzzed input:
// opening a database takes longer than all requests to it.
type lasting struct {
	testing.TB // of the input at hand
	dir        string
	cleanups   []func()
}

// memory gives a directory that no disk slows down, where there is such a
// thing. Input that takes ten seconds counts as hung, and a single one may be
// a hundred commits.
func memory(f *testing.F) string {
	dir, err := os.MkdirTemp("/dev/shm", "dispatchapy-fuzz-*")
	if err != nil {
		return f.TempDir()
	}
	f.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (l *lasting) Cleanup(f func()) { l.cleanups = append(l.cleanups, f) }

func (l *lasting) Context() context.Context { return context.Background() }

func (l *lasting) TempDir() string {
	dir, err := os.MkdirTemp(l.dir, "")
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (l *lasting) end() {
	for _, f := range slices.Backward(l.cleanups) {
		f()
	}
	l.cleanups = nil
}

// fuzzTarget is a gateway that inputs are tried on until one of them changes
// something, so that each begins with the same state.
type fuzzTarget struct {
	*gateway
	lasting  *lasting
	used     bool              // by an input that may have changed something
	session  string            // of the user admin
	takers   []taker           // in a fixed order
	returned map[string]bool   // paths of what can be read and sent back
	objects  map[string]int64  // ids by noun
	versions map[string]string // entity tags by path, as far as known
	requests int
}

// taker is an operation that takes a body.
type taker struct {
	method, path string
	contentTypes []string
}

// begin makes the target ready for an input.
func (f *fuzzTarget) begin(t *testing.T) {
	f.lasting.TB = t
	if f.gateway != nil && !f.used {
		return
	}
	f.lasting.end()
	// A body that was made up must not lead out of the machine.
	g := staffed(f.lasting, func(g *gateway) { g.quiet = true })
	f.gateway, f.used, f.objects, f.versions = g, false, map[string]int64{}, map[string]string{}
	g.posted("/v1/users", "", `{"name":"zoe","role":"viewer","password":"another-password"}`).want(201)
	g.insert("shop", false)
	g.probe(g.table.Load().Config.Resource("backup").ID, false)
	f.session = g.posted("/v1/session", "-", `{"name":"admin","password":"`+adminPassword+`"}`).person(201).Token
	f.readDocument()
	g.logs.Reset()
}

// silentSender shows requests and sends none.
type silentSender struct{ *deliver.Client }

func (silentSender) Do(context.Context, *deliver.Target, string, []byte) deliver.Result {
	return deliver.Result{Outcome: dispatchapy.OutcomeDelivered, StatusCode: http.StatusOK, Body: []byte(`{}`)}
}

// readDocument finds the operations with a body.
func (f *fuzzTarget) readDocument() {
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody *struct{ Content map[string]any }
		}
	}
	decode(f.t, f.do(request{method: http.MethodGet, path: "/v1/openapi.json"}).want(200).body, &doc)
	f.takers, f.returned = nil, map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		operations := doc.Paths[path]
		for _, method := range slices.Sorted(maps.Keys(operations)) {
			if body := operations[method].RequestBody; body != nil {
				f.takers = append(f.takers, taker{strings.ToUpper(method), path, slices.Sorted(maps.Keys(body.Content))})
			}
		}
		_, read := operations["get"]
		_, written := operations["put"]
		f.returned[path] = read && written
	}
}

// try sends a body to an operation and judges the answer.
func (f *fuzzTarget) try(op taker, r request, secrets []string) {
	f.t.Helper()
	r.method, r.path = op.method, f.fill(op.path)
	if op.method != http.MethodPost {
		if tag := f.version(op.path); tag != "" {
			r.header.Set("If-Match", tag)
		}
	}
	f.requests++
	r.address = fmt.Sprintf("192.0.2.1:%d", 1+f.requests%65535) // guesses from one address are soon all refused
	got := f.do(r)
	if got.status >= http.StatusInternalServerError {
		f.t.Fatalf("%s %s with %q: %d %s %s", r.method, r.path, r.body, got.status, got.body, f.logs)
	}
	for _, secret := range secrets {
		if strings.Contains(got.body, secret) {
			f.t.Fatalf("%s %s with %q shows %q: %s", r.method, r.path, r.body, secret, got.body)
		}
	}
	if got.status >= http.StatusMultipleChoices {
		return
	}
	f.used = true
	clear(f.versions)
	f.sendBack(op, got)
}

// sendBack reads what was written and sends it back as it is, which must
// change nothing.
func (f *fuzzTarget) sendBack(op taker, written *response) {
	f.t.Helper()
	template, path := op.path, f.fill(op.path)
	if location := written.header.Get("Location"); location != "" {
		template, path = op.path+"/{id}", location
	}
	if !f.returned[template] || op.method == http.MethodPost && path == f.fill(op.path) {
		return
	}
	shown := f.get(path).want(200)
	tag := shown.header.Get("ETag")
	if tag == "" {
		return // the whole configuration, which has tests of its own
	}
	same := f.do(request{method: http.MethodPut, path: path, body: shown.body, header: http.Header{"If-Match": {tag}}}).want(200)
	if same.header.Get("ETag") != tag {
		f.t.Fatalf("%s sent back is another one: %s, %s", path, shown.body, same.body)
	}
}

// fill puts the id of an object into a path.
func (f *fuzzTarget) fill(path string) string {
	f.t.Helper()
	noun, _, found := strings.Cut(path, "/{id}")
	if !found {
		return path
	}
	id, known := f.objects[noun]
	if !known {
		var list struct{ Items []struct{ ID int64 } }
		decode(f.t, f.get(noun).want(200).body, &list)
		if len(list.Items) == 0 {
			f.t.Fatalf("there is nothing at %s to try bodies on", noun)
		}
		id = list.Items[len(list.Items)-1].ID // not the first, which among users is the one that asks
		f.objects[noun] = id
	}
	filled := strings.ReplaceAll(path, "{id}", fmt.Sprint(id))
	if strings.Contains(filled, "{") {
		f.t.Fatalf("what is to be put into the path %s?", path)
	}
	return filled
}

// version gives the entity tag of the object that an operation changes; "" if
// it has none.
func (f *fuzzTarget) version(path string) string {
	f.t.Helper()
	parts := strings.SplitAfterN(path, "/", 5) // "", v1/, noun/, {id}/
	object := strings.TrimSuffix(strings.Join(parts[:min(len(parts), 4)], ""), "/")
	if !f.returned[object] {
		object = strings.TrimSuffix(strings.Join(parts[:3], ""), "/")
	}
	if !f.returned[object] || object == "/v1/config" {
		return ""
	}
	tag, known := f.versions[object]
	if !known {
		tag = f.get(f.fill(object)).header.Get("ETag")
		f.versions[object] = tag
	}
	return tag
}

// planted are the secrets that the gateway keeps, but for those that the body
// repeats.
func planted(body, session string) []string {
	return slices.DeleteFunc([]string{"hush-header", "hush-smtp", adminPassword, adminToken, shopToken, bankToken, session},
		func(secret string) bool { return strings.Contains(body, secret) })
}

// secretsIn finds the values in a JSON body that must not come back. Those are
// left out that could do so for another reason: they stand elsewhere in the
// body, too, or are words.
func secretsIn(body string) []string {
	var value any
	if json.Unmarshal([]byte(body), &value) != nil {
		return nil
	}
	var s secretFinder
	s.walk("", value)
	all := strings.Join(s.texts, "\x00")
	var secrets []string
	for _, secret := range s.secrets {
		if len(secret) < 8 || !strings.ContainsAny(secret, "0123456789") || strings.Count(all, secret) != 1 {
			continue
		}
		quoted, _ := json.Marshal(secret)
		secrets = append(secrets, secret, strings.Trim(string(quoted), `"`))
	}
	return secrets
}

type secretFinder struct{ secrets, texts []string }

func (s *secretFinder) walk(key string, value any) {
	switch v := value.(type) {
	case string:
		s.texts = append(s.texts, v)
		if slices.Contains([]string{"password", "new_password", "token"}, key) {
			s.secrets = append(s.secrets, v)
		}
	case []any:
		for _, item := range v {
			s.walk("", item)
		}
	case map[string]any:
		for name, item := range v {
			s.texts = append(s.texts, name)
			text, isText := item.(string)
			switch {
			case key == "headers" && isText:
				s.secrets, s.texts = append(s.secrets, text), append(s.texts, text)
			case slices.Contains([]string{"payload", "source", "test_values", "value", "default"}, name):
				// Shown on purpose: a message. Its text may repeat a secret.
				shown, _ := json.Marshal(item)
				s.texts = append(s.texts, string(shown))
			default:
				s.walk(name, item)
			}
		}
	}
}
