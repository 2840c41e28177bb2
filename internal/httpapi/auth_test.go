package httpapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dispatchapy"
)

// access is what each of four people gets from an operation on something that
// belongs to client shop.
type access struct {
	body                      string
	hold                      bool // the task must be held for the operation to work
	deleted                   bool // the task must be deleted for the operation to work
	fresh                     bool // the operation is done to an object made for it
	nobody, shop, bank, admin int
}

// matrix has a row for every operation of the OpenAPI document: a new
// operation without one fails the test.
var matrix = map[string]access{
	"list-tasks":          {nobody: 401, shop: 200, bank: 200, admin: 200},
	"get-task":            {nobody: 401, shop: 200, bank: 404, admin: 200},
	"retry-task":          {nobody: 401, shop: 200, bank: 404, admin: 200},
	"stop-task":           {nobody: 401, shop: 200, bank: 404, admin: 200},
	"send-task":           {nobody: 401, shop: 200, bank: 404, admin: 200, hold: true},
	"restore-task":        {nobody: 401, shop: 200, bank: 404, admin: 200, deleted: true},
	"delete-task":         {nobody: 401, shop: 204, bank: 404, admin: 204},
	"batch-tasks":         {nobody: 401, shop: 200, bank: 200, admin: 200, body: `{"action":"stop","ids":[1]}`},
	"list-resources":      {nobody: 401, shop: 200, bank: 200, admin: 200},
	"get-resource":        {nobody: 401, shop: 200, bank: 404, admin: 200},
	"list-checks":         {nobody: 401, shop: 200, bank: 404, admin: 200},
	"get-uptime":          {nobody: 401, shop: 200, bank: 404, admin: 200},
	"list-health":         {nobody: 401, shop: 200, bank: 200, admin: 200},
	"check-resource":      {nobody: 401, shop: 403, bank: 403, admin: 200},
	"list-endpoints":      {nobody: 401, shop: 200, bank: 200, admin: 200},
	"preview-message":     {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"payload":{"ref":"r"}}`},
	"list-clients":        {nobody: 401, shop: 200, bank: 200, admin: 200},
	"create-resource":     {nobody: 401, shop: 403, bank: 403, admin: 201, body: `{"name":"NEW","url":"http://x.example/"}`},
	"update-resource":     {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"name":"NEW","url":"http://x.example/"}`, fresh: true},
	"patch-resource":      {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{}`, fresh: true},
	"duplicate-resource":  {nobody: 401, shop: 403, bank: 403, admin: 201},
	"resource-impact":     {nobody: 401, shop: 403, bank: 403, admin: 200},
	"delete-resource":     {nobody: 401, shop: 403, bank: 403, admin: 204, fresh: true},
	"get-endpoint":        {nobody: 401, shop: 200, bank: 404, admin: 200},
	"create-endpoint":     {nobody: 401, shop: 403, bank: 403, admin: 201, body: `{"path":"NEW"}`},
	"update-endpoint":     {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"path":"NEW"}`, fresh: true},
	"patch-endpoint":      {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{}`, fresh: true},
	"duplicate-endpoint":  {nobody: 401, shop: 403, bank: 403, admin: 201},
	"endpoint-impact":     {nobody: 401, shop: 403, bank: 403, admin: 200},
	"delete-endpoint":     {nobody: 401, shop: 403, bank: 403, admin: 204, fresh: true},
	"get-client":          {nobody: 401, shop: 200, bank: 404, admin: 200},
	"create-client":       {nobody: 401, shop: 403, bank: 403, admin: 201, body: `{"name":"NEW"}`},
	"update-client":       {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"name":"NEW"}`, fresh: true},
	"patch-client":        {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{}`, fresh: true},
	"duplicate-client":    {nobody: 401, shop: 403, bank: 403, admin: 201},
	"client-impact":       {nobody: 401, shop: 403, bank: 403, admin: 200},
	"delete-client":       {nobody: 401, shop: 403, bank: 403, admin: 204, fresh: true},
	"update-rules":        {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"dev":{"hold":true}}`, fresh: true},
	"update-client-rules": {nobody: 401, shop: 200, bank: 404, admin: 200, body: `{"dev":{"hold":true}}`},
	"rotate-token":        {nobody: 401, shop: 404, bank: 404, admin: 200, fresh: true},
	"update-settings":     {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"max_attempts":4}`},
	"patch-settings":      {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"max_attempts":3}`},
	"get-settings":        {nobody: 401, shop: 403, bank: 403, admin: 200},
	"list-audit":          {nobody: 401, shop: 403, bank: 403, admin: 200},
	"list-events":         {nobody: 401, shop: 403, bank: 403, admin: 200},
	"export-config":       {nobody: 401, shop: 403, bank: 403, admin: 200},
	"apply-config":        {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"version":1}`},
}

// operations lists the operations of the OpenAPI document that is served.
func operations(g *gateway) map[string]request {
	g.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	decode(g.t, g.do(request{method: http.MethodGet, path: "/v1/openapi.json", token: "-"}).want(200).body, &doc)
	out := map[string]request{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			out[op.OperationID] = request{method: strings.ToUpper(method), path: path}
		}
	}
	return out
}

func TestAuthorisationMatrix(t *testing.T) {
	g := newGateway(t)
	ops := operations(g)
	if len(ops) != len(matrix) {
		t.Errorf("%d operations are served, %d are in the matrix", len(ops), len(matrix))
	}
	doc := g.document()
	for id, op := range ops {
		row, ok := matrix[id]
		if !ok {
			t.Errorf("operation %s is not in the matrix", id)
			continue
		}
		for _, person := range []struct {
			name, token string
			want        int
		}{
			{"nobody", "-", row.nobody},
			{"stranger", "some-other-token", row.nobody},
			{"shop", shopToken, row.shop},
			{"bank", bankToken, row.bank},
			{"admin", adminToken, row.admin},
			{"local admin", localToken, row.admin},
		} {
			t.Run(id+" by "+person.name, func(t *testing.T) {
				op, path := op, op.path
				object, version := g.objectFor(op.path, row)
				op.path = filled(op.path, object)
				op.body, op.token = strings.ReplaceAll(row.body, "NEW", g.newName()), person.token
				op.header = http.Header{"If-Match": {fmt.Sprintf(`"%d"`, version)}}
				got := g.do(op)
				got.t = t
				got.want(person.want)
				got.wantDocumented(doc, op.method, path)
				if person.want >= 400 {
					got.wantProblem(person.want, codes[person.want])
				}
				if strings.Contains(got.body, "hush") && id != "export-config" {
					t.Errorf("a secret is shown: %s", got.body)
				}
			})
		}
	}
}

// objectFor gives the object that an operation is tried on, which belongs to
// shop, and its version.
func (g *gateway) objectFor(path string, row access) (id, version int64) {
	g.t.Helper()
	cfg := g.table.Load().Config
	kind := kindOf(path)
	if kind == "preferences" {
		for _, token := range []string{shopToken, bankToken} { // everybody has their own
			g.do(request{method: "PUT", path: "/v1/preferences/view", body: `{"value":1}`, token: token}).want(200)
		}
		return 0, 0
	}
	if kind == "sessions" {
		return g.sessionOf(shopToken), 0
	}
	if row.fresh {
		body := map[string]string{
			"resources": `{"name":"%s","url":"http://x.example/","headers":{"X-Key":"hush-header"}}`, "endpoints": `{"path":"%s"}`, "clients": `{"name":"%s"}`,
			"users": `{"name":"%s","role":"viewer","password":"some password"}`, "tokens": `{"name":"%s","role":"viewer"}`,
		}[kind]
		var made struct{ ID, Version int64 }
		decode(g.t, g.do(request{method: "POST", path: "/v1/" + kind, body: fmt.Sprintf(body, g.newName())}).want(201).body, &made)
		return made.ID, made.Version
	}
	switch kind {
	case "tasks":
		id := g.insert("shop", row.hold)
		if row.deleted {
			g.do(request{method: "DELETE", path: fmt.Sprintf("/v1/tasks/%d", id)}).want(204)
		}
		return id, 0
	case "resources":
		r := cfg.Resource("primary") // shop's alone
		return r.ID, r.Version
	case "endpoints":
		e := cfg.Endpoint("sms")
		return e.ID, e.Version
	case "incidents":
		g.probe(cfg.Resource("primary").ID, false)
	case "status":
		g.patchStatus(`{"enabled":true,"public":false,"token":"` + statusToken + `","endpoints":[{"path":"sms"}]}`)
	case "notifications":
		return g.givenUp(), 0
	case "clients":
		c := cfg.Client("shop")
		return c.ID, c.Version
	}
	return 1, cfg.Settings.Version
}

// filled puts an object into a path. What goes by name is called view.
func filled(path string, id int64) string {
	return strings.NewReplacer("{id}", fmt.Sprint(id), "{name}", "view").Replace(path)
}

// kindOf gives the noun of a path.
func kindOf(path string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	return kind
}

var codes = map[int]dispatchapy.Code{
	401: dispatchapy.CodeUnauthenticated, 403: dispatchapy.CodeForbidden, 404: dispatchapy.CodeNotFound,
	409: dispatchapy.CodeConflict,
}

func TestBatchOfAClientReachesOnlyItsOwn(t *testing.T) {
	g := newGateway(t)
	own, foreign := g.insert("shop", false), g.insert("bank", false)
	body := fmt.Sprintf(`{"action":"stop","ids":[%d,%d]}`, own, foreign)
	var got struct {
		Succeeded, Failed int
		Results           []struct {
			ID     int64
			Status *string
			Error  *struct{ Code, Detail string }
		}
	}
	decode(t, g.do(request{method: "POST", path: "/v1/tasks/batch", body: body, token: shopToken}).want(200).body, &got)
	if got.Succeeded != 1 || got.Failed != 1 || *got.Results[0].Status != "stopped" || got.Results[1].Error.Code != "not_found" {
		t.Errorf("%+v", got)
	}
}

func TestWaysToSendTheToken(t *testing.T) {
	g := newGateway(t)
	tests := []struct {
		name   string
		header http.Header
		want   int
	}{
		{"none", http.Header{}, 401},
		{"bearer", http.Header{"Authorization": {"Bearer " + adminToken}}, 200},
		{"scheme in lower case", http.Header{"Authorization": {"bearer  " + adminToken}}, 200},
		{"own header", http.Header{"X-Api-Token": {adminToken}}, 200},
		{"own header beside another scheme", http.Header{"Authorization": {"Basic eDp5"}, "X-Api-Token": {adminToken}}, 200},
		{"without scheme", http.Header{"Authorization": {adminToken}}, 401},
		{"empty", http.Header{"Authorization": {"Bearer "}}, 401},
		{"prefix of a token", http.Header{"Authorization": {"Bearer " + adminToken[:8]}}, 401},
		{"hash of a token", http.Header{"Authorization": {"Bearer " + dispatchapy.HashToken(adminToken).String()}}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := g.do(request{method: "GET", path: "/v1/settings", token: "-", header: tt.header})
			got.t = t
			got.want(tt.want)
			if challenge := got.header.Get("WWW-Authenticate"); (challenge != "") != (tt.want == 401) {
				t.Errorf("WWW-Authenticate: %q", challenge)
			}
		})
	}
}

func TestRevokedTokenStopsWorkingAtOnce(t *testing.T) {
	g := newGateway(t)
	list := request{method: "GET", path: "/v1/tasks", token: shopToken}
	g.do(list).want(200)
	g.do(request{method: "PUT", path: "/v1/config", body: `{"version":1,"clients":[{"name":"shop","token":"another-token","endpoints":["sms"]}]}`}).want(200)
	g.do(list).wantProblem(401, dispatchapy.CodeUnauthenticated)
}

func TestPagesOfOtherSitesChangeNothing(t *testing.T) {
	g := newGateway(t)
	id := g.insert("shop", false)
	stop := request{method: "POST", path: fmt.Sprintf("/v1/tasks/%d/stop", id), header: http.Header{"Sec-Fetch-Site": {"cross-site"}}}
	g.do(stop).wantProblem(403, dispatchapy.CodeForbidden)
	g.do(request{method: "GET", path: "/v1/tasks", header: stop.header}).want(200)
	stop.header = http.Header{"Sec-Fetch-Site": {"same-origin"}}
	g.do(stop).want(200)
}

func TestPassword(t *testing.T) {
	g := staffed(t)
	status := func(name, password string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/settings", http.NoBody)
		r.SetBasicAuth(name, password)
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)
		return w.Code
	}
	for _, tc := range []struct {
		name, password string
		want           int
	}{
		{"admin", adminPassword, 200},
		{"admin", "wrong", 401},
		{"shop", adminPassword, 401},
		{"admin", adminToken, 401},
		{"admin", "", 401},
	} {
		if got := status(tc.name, tc.password); got != tc.want {
			t.Errorf("%s with password %q: %d, want %d", tc.name, tc.password, got, tc.want)
		}
	}
	throttled := false
	for range 20 {
		throttled = throttled || status("admin", "guess") == http.StatusTooManyRequests
	}
	if !throttled {
		t.Error("twenty guesses in a row were all answered")
	}
	if got := status("admin", adminPassword); got != http.StatusTooManyRequests {
		t.Errorf("the right password among guesses: %d, want 429 like the others", got)
	}
}
