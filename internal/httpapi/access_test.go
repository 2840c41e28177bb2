package httpapi_test

import "maps"

// The rows of the matrix for trying out, sending and documentation.
func init() {
	maps.Copy(matrix, map[string]access{
		"get-user-document": {nobody: 401, shop: 200, bank: 200, admin: 200},
		"list-samples":      {nobody: 401, shop: 200, bank: 404, admin: 200},
	})
}
