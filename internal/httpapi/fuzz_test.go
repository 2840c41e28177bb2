package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzObjectBodies sends any body to every operation that changes the
// configuration: it is never our fault, and what was accepted can be read and
// sent back as it is.
func FuzzObjectBodies(f *testing.F) {
	for _, body := range []string{
		`{}`, `null`, `[]`, `{"name":"x","url":"http://x.example/"}`, `{"path":"a b/c","resources":["primary"],"clients":["shop","shop"]}`,
		`{"name":"shop","endpoints":["sms","/sms/"],"dev":{"rules_enabled":true,"rules":[{"set":{"param":"a","value":null}}]}}`,
		`{"name":"a\u0000b"}`, `{"name":"\ud800"}`, `{"version":1e400}`, `{"version":1.0,"name":null}`, `{"clients":null}`, `{"clients":[null]}`,
		`{"mapping":{"primary":{"a":{"from":"b"},"a.b":{"uuid":true}}}}`, `{"mapping":{"":{"":{}}}}`, `{"mapping":{"primary":null}}`,
		`{"dev":{"enabled":true,"hold":true,"rules":[{"if":{"param":"x","matches":"("},"set":{"param":"x","value":{"a":[1]}}}]}}`,
		`{"headers":{"X":null,"x":"[redacted]"}}`, `{"smtp":{"password":"[redacted]"}}`, `{"smtp":null,"retry":null}`, `{"host":"mail.example","port":587,"username":"u","password":"[redacted]","from":"a@b.example","to":"<>"}`, `{"timeout":"9223372036854775807ns"}`,
		`{"retry":{"factor":1e308,"base":"2562047h"}}`, `{"rate_limit":{}}`, `{"health_check":null,"notify":{"email":null}}`, `{"overlap":"24h"}`, `{"token":""}`,
		`{"name":"` + strings.Repeat("é", 200) + `"}`, strings.Repeat(`{"a":`, 120) + `1` + strings.Repeat(`}`, 120),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		g := newGateway(t)
		g.mail = silentMailer{} // a body that was made up must not lead out of the machine
		g.serve(g.delivery())
		for id, op := range operations(g) {
			row := matrix[id]
			if op.method == http.MethodGet || op.method == http.MethodDelete || !slices.Contains([]string{"resources", "endpoints", "clients", "settings"}, kindOf(op.path)) {
				continue
			}
			object, version := g.objectFor(op.path, row)
			path := strings.Replace(op.path, "{id}", fmt.Sprint(object), 1)
			got := g.do(request{method: op.method, path: path, body: body, header: http.Header{"If-Match": {`"` + fmt.Sprint(version) + `"`}}})
			if got.status >= 500 {
				t.Fatalf("%s %s: %d %s", op.method, path, got.status, got.body)
			}
			if location := got.header.Get("Location"); location != "" {
				path = location
			}
			if got.status < 300 && (op.method != http.MethodPost || strings.Count(path, "/") == 3 && id != "test-smtp") && strings.Count(path, "/") <= 3 {
				shown := g.get(path).want(200)
				same := g.do(request{method: "PUT", path: path, body: shown.body, header: http.Header{"If-Match": {shown.header.Get("ETag")}}}).want(200)
				if same.header.Get("ETag") != shown.header.Get("ETag") {
					t.Fatalf("%s sent back is another one: %s, %s", path, shown.body, same.body)
				}
			}
		}
	})
}
