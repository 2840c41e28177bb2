package httpapi_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzBodies sends any body to every operation that takes one, as the OpenAPI
// document has them, so that a new one is tried without an entry here. Whatever
// comes, it is never our fault: there is no 5xx, not even 503, because the
// database is there all the time. No secret is shown, neither a stored one nor
// one that was sent. What was accepted can be read and sent back as it is.
func FuzzBodies(f *testing.F) {
	for _, id := range slices.Sorted(maps.Keys(matrix)) {
		if body := matrix[id].body; body != "" {
			f.Add(strings.ReplaceAll(body, "NEW", "new"))
		}
	}
	for _, body := range oddBodies {
		f.Add(body)
	}
	target := &fuzzTarget{lasting: &lasting{dir: memory(f)}}
	f.Cleanup(target.end)
	f.Fuzz(func(t *testing.T, body string) {
		target.begin(t)
		secrets := append(secretsIn(body), planted(body, target.session)...)
		for _, op := range target.takers {
			for _, contentType := range op.contentTypes {
				for _, token := range []string{target.session, shopToken} {
					target.try(op, request{body: body, token: token, header: http.Header{"Content-Type": {contentType}}}, secrets)
				}
			}
		}
		for _, secret := range secrets {
			if strings.Contains(target.logs.String(), secret) {
				t.Fatalf("%q is in the log: %s", secret, target.logs)
			}
		}
		target.logs.Reset()
	})
}

// oddBodies are what the rows of the matrix are not.
var oddBodies = []string{
	`{}`, `null`, `[]`, ``, `"x"`, "version: 1\nclients: [{name: \"a\nb\"}]\n", `{"name":"x","url":"http://x.example/"}`,
	`{"path":"a b/c","resources":["primary"],"clients":["shop","shop"]}`,
	`{"name":"shop","endpoints":["sms","/sms/"],"dev":{"rules_enabled":true,"rules":[{"set":{"param":"a","value":null}}]}}`,
	`{"name":"a\u0000b"}`, `{"name":"\ud800"}`, `{"version":1e400}`, `{"version":1.0,"name":null}`, `{"clients":null}`, `{"clients":[null]}`,
	`{"mapping":{"primary":{"a":{"from":"b"},"a.b":{"uuid":true}}}}`, `{"mapping":{"":{"":{}}}}`, `{"mapping":{"primary":null}}`,
	`{"dev":{"enabled":true,"hold":true,"rules":[{"if":{"param":"x","matches":"("},"set":{"param":"x","value":{"a":[1]}}}]}}`,
	`{"headers":{"X":null,"x":"[redacted]"}}`, `{"headers":{"X":"s3cret-header\n"}}`, `{"headers":{"X Y":"s3cret-header"},"url":"ftp://x"}`,
	`{"smtp":{"password":"[redacted]"}}`, `{"smtp":{"password":"s3cret-mail","port":0}}`, `{"smtp":null,"retry":null}`,
	`{"host":"mail.example","port":587,"username":"u","password":"[redacted]","from":"a@b.example","to":"<>"}`,
	`{"host":"other.example","port":587,"username":"u","password":"s3cret-mail","from":"a@b.example","to":"c@d.example"}`,
	`{"timeout":"9223372036854775807ns"}`, `{"retry":{"factor":1e308,"base":"2562047h"}}`, `{"rate_limit":{}}`,
	`{"health_check":null,"notify":{"email":null}}`, `{"overlap":"24h"}`, `{"token":""}`, `{"token":"s3cret-token"}`,
	`{"name":"admin","password":"admin-password"}`, `{"name":"admin","password":"s3cret-guess"}`,
	`{"password":"admin-password","new_password":"s3cret-password"}`, `{"password":"s3cret-guess","new_password":"short"}`,
	`{"password":"s3cret-guess","new_password":"long enough"}`, `{"name":"a b","role":"viewer","password":"s3cret-password"}`,
	`{"name":"new","role":"owner","password":"s3cret-password"}`, `{"name":"new","role":"viewer","password":"s3cret-password","active":false}`,
	`{"name":"new","role":"viewer","expires_at":"2001-01-01T00:00:00Z"}`, `{"expires_at":"9999-12-31T23:59:59Z"}`,
	`{"action":"delete","filter":{}}`, `{"action":"retry","filter":{"status":"failed,held","q":"%"},"cursor":"x","dry_run":true}`,
	`{"action":"send","ids":[9223372036854775807,-1,0,1]}`,
	`{"payload":{"ref":"r","scope":"s","n":1e999},"client":"shop"}`, `{"payload":[],"resources":["primary","backup"],"mapping":{"backup":{"a":{"now":true}}}}`,
	`{"payload":{"ref":"r","scope":"s"},"resource":"backup","confirm":true}`, `{"source":{"ref":"r"},"endpoint":"sms","client":"shop"}`, `{"payload":"x"}`,
	`{"version":1,"resources":[{"name":"primary","url":"http://x.example/","headers":{"X":"s3cret-header","x":"s3cret-header-2"}}],"clients":[{"name":"a","token":"s3cret token"}]}`,
	`{"version":1,"settings":{"max_attempts":7},"endpoints":[{"path":"sms","resources":["backup"]}],"clients":[{"name":"a","token":"s3cret-token"}]}`,
	`{"name":"` + strings.Repeat("é", 200) + `"}`, strings.Repeat(`{"a":`, 120) + `1` + strings.Repeat(`}`, 120),
}
