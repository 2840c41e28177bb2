package httpapi_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/people"
)

// The rows of the matrix for users, tokens and sessions.
func init() {
	maps.Copy(matrix, map[string]access{
		"list-users":         {nobody: 401, shop: 403, bank: 403, admin: 200},
		"get-user":           {nobody: 401, shop: 403, bank: 403, admin: 200, fresh: true},
		"create-user":        {nobody: 401, shop: 403, bank: 403, admin: 201, body: `{"name":"NEW","role":"viewer","password":"hush-password"}`},
		"update-user":        {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"name":"NEW","role":"admin","active":true}`, fresh: true},
		"patch-user":         {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"password":"hush-password-2"}`, fresh: true},
		"delete-user":        {nobody: 401, shop: 403, bank: 403, admin: 204, fresh: true},
		"list-tokens":        {nobody: 401, shop: 403, bank: 403, admin: 200},
		"get-token":          {nobody: 401, shop: 403, bank: 403, admin: 200, fresh: true},
		"create-token":       {nobody: 401, shop: 403, bank: 403, admin: 201, body: `{"name":"NEW","role":"viewer"}`},
		"update-token":       {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"name":"NEW","role":"viewer"}`, fresh: true},
		"patch-token":        {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"expires_at":null}`, fresh: true},
		"delete-token":       {nobody: 401, shop: 403, bank: 403, admin: 204, fresh: true},
		"sign-in":            {nobody: 201, shop: 201, bank: 201, admin: 201, body: `{"token":"` + shopToken + `"}`},
		"get-session":        {nobody: 401, shop: 200, bank: 200, admin: 200},
		"sign-out":           {nobody: 401, shop: 409, bank: 409, admin: 409},
		"change-password":    {nobody: 401, shop: 403, bank: 403, admin: 403, body: `{"password":"a","new_password":"long enough"}`},
		"list-sessions":      {nobody: 401, shop: 200, bank: 200, admin: 200},
		"end-session":        {nobody: 401, shop: 204, bank: 404, admin: 204, fresh: true},
		"end-other-sessions": {nobody: 401, shop: 200, bank: 200, admin: 200},
	})
}

// leastRole says, for every operation, whom of the staff it takes.
var leastRole = map[dispatchapy.Role][]string{
	dispatchapy.RoleViewer: {
		"list-tasks", "get-task", "list-resources", "get-resource", "list-checks", "get-uptime", "list-health", "list-endpoints", "get-endpoint",
		"list-clients", "get-client", "get-settings", "list-events", "list-incidents", "get-incident", "get-user-document", "list-samples",
		"get-session", "list-sessions", "end-other-sessions",
		"sign-in", "sign-out", "change-password", // for whoever they are, with the answer that administrators get
	},
	dispatchapy.RoleOperator: {"retry-task", "stop-task", "send-task", "delete-task", "restore-task", "batch-tasks", "check-resource", "acknowledge-incident", "note-incident"},
	dispatchapy.RoleAdmin: {
		"create-resource", "update-resource", "patch-resource", "duplicate-resource", "resource-impact", "delete-resource",
		"create-endpoint", "update-endpoint", "patch-endpoint", "duplicate-endpoint", "endpoint-impact", "delete-endpoint",
		"create-client", "update-client", "patch-client", "duplicate-client", "client-impact", "delete-client",
		"update-rules", "update-client-rules", "rotate-token", "update-settings", "patch-settings", "list-audit", "export-config", "apply-config",
		"preview-message", "end-session",
		"list-users", "get-user", "create-user", "update-user", "patch-user", "delete-user",
		"list-tokens", "get-token", "create-token", "update-token", "patch-token", "delete-token",
	},
}

// TestRolesOfStaff tries every operation with every role.
func TestRolesOfStaff(t *testing.T) {
	g := staffed(t)
	roles := []dispatchapy.Role{dispatchapy.RoleViewer, dispatchapy.RoleOperator, dispatchapy.RoleAdmin}
	least := map[string]int{}
	for i, role := range roles {
		for _, id := range leastRole[role] {
			least[id] = i
		}
	}
	for id, op := range operations(g) {
		rank, known := least[id]
		if !known {
			t.Errorf("operation %s has no least role", id)
			continue
		}
		row := matrix[id]
		for i, role := range roles {
			t.Run(id+" by "+string(role), func(t *testing.T) {
				want := row.admin
				switch {
				case i < rank && id == "end-session":
					want = http.StatusNotFound // they see no sessions but their own
				case i < rank:
					want = http.StatusForbidden
				}
				object, version := g.objectFor(op.path, row)
				got := g.do(request{
					method: op.method, path: filled(op.path, object), token: g.tokens[role],
					body: strings.ReplaceAll(row.body, "NEW", g.newName()), header: ifMatch(version),
				})
				got.t = t
				got.want(want)
			})
		}
	}
}

// TestNobodysRoleIsMissing keeps the table of roles complete.
func TestNobodysRoleIsMissing(t *testing.T) {
	if !slices.Equal(dispatchapy.StaffRoles, []dispatchapy.Role{dispatchapy.RoleAdmin, dispatchapy.RoleOperator, dispatchapy.RoleViewer}) {
		t.Errorf("TestRolesOfStaff does not know all of %v", dispatchapy.StaffRoles)
	}
}

// sessionOf begins a session of the client and gives its id.
func (g *gateway) sessionOf(clientToken string) int64 {
	g.t.Helper()
	in, err := g.people.SignInClient(g.t.Context(), dispatchapy.Secret(clientToken), people.From{Address: g.newName()})
	if err != nil {
		g.t.Fatal(err)
	}
	sessions, err := g.people.Sessions(g.t.Context(), in.Principal, in.Token)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, s := range sessions {
		if s.Current {
			return s.ID
		}
	}
	g.t.Fatal("the session that asks is not in the list")
	return 0
}
