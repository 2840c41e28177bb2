package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/store/sqlite"
)

// lasting is a testing.TB under which a gateway outlives one fuzzed input:
// making it takes longer than all requests to it.
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

// fuzzTarget is a gateway that inputs are tried on. After one that may have
// changed something it gets its first database again, so that each begins with
// the same state.
type fuzzTarget struct {
	*gateway
	lasting  *lasting
	first    []byte            // the database as it was at first; nil: there is no gateway yet
	drop     func()            // closes and removes the copy of it in use
	used     bool              // by an input that may have changed something
	session  string            // of the user admin
	takers   []taker           // in a fixed order
	returned map[string]bool   // paths of what can be read and sent back
	versions map[string]string // entity tags by path, as far as known
	requests int
}

// taker is an operation that takes a body.
type taker struct {
	method, template string
	path             string // template with the id of the object that the matrix has for it
	contentTypes     []string
}

// begin makes the target ready for an input.
func (f *fuzzTarget) begin(t *testing.T) {
	f.lasting.TB = t
	switch {
	case f.first == nil:
		f.build()
	case f.used:
		f.restore()
	}
	f.logs.Reset()
}

// end closes what is left.
func (f *fuzzTarget) end() {
	if f.drop != nil {
		f.drop()
	}
	f.lasting.end()
}

// build makes the gateway. A body that was made up must not lead out of the
// machine.
func (f *fuzzTarget) build() {
	f.gateway = staffed(f.lasting, func(g *gateway) { g.quiet = true })
	f.session = f.posted("/v1/session", "-", `{"name":"admin","password":"`+adminPassword+`"}`).person(201).Token
	f.readDocument()
	path := filepath.Join(f.lasting.TempDir(), "first.db")
	err := f.store.Backup(f.t.Context(), path)
	if err == nil {
		f.first, err = os.ReadFile(path)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.versions = map[string]string{}
}

// restore opens a copy of the first database, which takes a tenth of the time
// of a new gateway.
func (f *fuzzTarget) restore() {
	if f.drop != nil {
		f.drop()
		f.drop = nil
	}
	dir, err := os.MkdirTemp(f.lasting.dir, "")
	if err != nil {
		f.t.Fatal(err)
	}
	path := filepath.Join(dir, "copy.db")
	if err := os.WriteFile(path, f.first, 0o600); err != nil {
		f.t.Fatal(err)
	}
	ctx := f.t.Context()
	db, err := sqlite.Open(ctx, sqlite.Options{Path: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.t.Fatal(err)
	}
	f.drop = func() { _, _ = db.Close(), os.RemoveAll(dir) }
	f.store.Store = db
	_, err = f.service.Refresh(ctx)
	if err = errors.Join(err, f.people.Refresh(ctx)); err != nil {
		f.t.Fatal(err)
	}
	f.used = false
	clear(f.versions)
}

// silentSender shows requests and sends none.
type silentSender struct{ *deliver.Client }

func (silentSender) Do(context.Context, *deliver.Target, string, []byte) deliver.Result {
	return deliver.Result{Outcome: dispatchapy.OutcomeDelivered, StatusCode: http.StatusOK, Body: []byte(`{}`)}
}

// readDocument finds the operations with a body, and makes what they are done
// to.
func (f *fuzzTarget) readDocument() {
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			RequestBody *struct{ Content map[string]any }
		}
	}
	decode(f.t, f.do(request{method: http.MethodGet, path: "/v1/openapi.json"}).want(200).body, &doc)
	f.returned = map[string]bool{}
	for _, template := range slices.Sorted(maps.Keys(doc.Paths)) {
		operations := doc.Paths[template]
		_, read := operations["get"]
		_, written := operations["put"]
		f.returned[template] = read && written
		for _, method := range slices.Sorted(maps.Keys(operations)) {
			op := operations[method]
			if op.RequestBody == nil {
				continue
			}
			taken := taker{strings.ToUpper(method), template, template, slices.Sorted(maps.Keys(op.RequestBody.Content))}
			if strings.Contains(template, "{") {
				id, _ := f.objectFor(template, matrix[op.OperationID])
				taken.path = filled(template, id)
			}
			if strings.Contains(taken.path, "{") {
				f.t.Fatalf("what is to be put into the path %s?", taken.path)
			}
			f.takers = append(f.takers, taken)
		}
	}
}

// try sends a body to an operation and judges the answer.
func (f *fuzzTarget) try(op taker, r request, secrets []string) {
	f.t.Helper()
	r.method, r.path = op.method, op.path
	if op.method != http.MethodPost {
		if tag := f.version(op); tag != "" {
			r.header.Set("If-Match", tag)
		}
	}
	f.requests++
	// Guesses from one address are soon all refused.
	r.address = fmt.Sprintf("10.%d.%d.%d:4711", byte(f.requests>>16), byte(f.requests>>8), byte(f.requests))
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
	template, path := op.template, op.path
	if location := written.header.Get("Location"); location != "" {
		template, path = op.template+"/{id}", location
	} else if op.method == http.MethodPost {
		return
	}
	if !f.returned[template] || kindOf(template) == "preferences" { // those are the person's who wrote
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

// version gives the entity tag of the object that an operation changes; "" if
// it has none.
func (f *fuzzTarget) version(op taker) string {
	f.t.Helper()
	template, path := op.template, op.path
	for !f.returned[template] { // /v1/clients/{id}/rules is about /v1/clients/{id}
		cut, shorter := strings.LastIndex(template, "/"), strings.LastIndex(path, "/")
		if cut <= 0 {
			return ""
		}
		template, path = template[:cut], path[:shorter]
	}
	if template == "/v1/config" {
		return "" // it has none, and takes long to read
	}
	tag, known := f.versions[path]
	if !known {
		tag = f.get(path).header.Get("ETag")
		f.versions[path] = tag
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
