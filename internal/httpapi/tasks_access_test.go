package httpapi_test

import (
	"maps"

	"dispatchapy"
)

// The rows of the matrix for what people keep. API tokens keep nothing.
func init() {
	maps.Copy(matrix, map[string]access{
		"export-tasks":      {nobody: 401, shop: 200, bank: 200, admin: 200},
		"list-preferences":  {nobody: 401, shop: 200, bank: 200, admin: 403},
		"get-preference":    {nobody: 401, shop: 200, bank: 200, admin: 403},
		"set-preference":    {nobody: 401, shop: 200, bank: 200, admin: 403, body: `{"value":{"a":[1]}}`},
		"delete-preference": {nobody: 401, shop: 204, bank: 204, admin: 403},
	})
	leastRole[dispatchapy.RoleViewer] = append(leastRole[dispatchapy.RoleViewer],
		"export-tasks", "list-preferences", "get-preference", "set-preference", "delete-preference")
}
