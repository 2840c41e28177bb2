package httpapi_test

import (
	"maps"

	"dispatchapy"
)

// The rows of the matrix for trying out, sending and documentation.
func init() {
	maps.Copy(matrix, map[string]access{
		"get-user-document": {nobody: 401, shop: 200, bank: 200, admin: 200},
		"test-resource":     {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"payload":{}}`},
		"test-smtp":         {nobody: 401, shop: 403, bank: 403, admin: 200, body: `{"host":"127.0.0.1","port":1,"from":"a@b.example"}`},
		"resend-task":       {nobody: 401, shop: 201, bank: 404, admin: 201, body: `{"confirm":true,"payload":{"ref":"r","scope":"s"}}`},
		"send-message":      {nobody: 401, shop: 201, bank: 404, admin: 201, body: `{"client":"shop","payload":{"ref":"r","scope":"s"}}`},
		"count-tasks":       {nobody: 401, shop: 200, bank: 200, admin: 200},
		"get-stats":         {nobody: 401, shop: 200, bank: 200, admin: 200},
		"get-load":          {nobody: 401, shop: 403, bank: 403, admin: 200},
		"list-samples":      {nobody: 401, shop: 200, bank: 404, admin: 200},
	})
	for role, operations := range map[dispatchapy.Role][]string{
		dispatchapy.RoleViewer:   {"get-stats", "get-load", "count-tasks"},
		dispatchapy.RoleOperator: {"resend-task", "send-message"},
		dispatchapy.RoleAdmin:    {"test-resource", "test-smtp"},
	} {
		leastRole[role] = append(leastRole[role], operations...)
	}
}
