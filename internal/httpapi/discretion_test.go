package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestAClientReadsOfProvidersOnlyIfAllowed lets a task fail at a provider that
// is not there and at one that answers, and looks at all that a client gets.
func TestAClientReadsOfProvidersOnlyIfAllowed(t *testing.T) {
	l := newLive(t)
	address := strings.TrimPrefix(l.primary.URL, "http://")
	l.primary.Close()
	l.backup.answerWith(500, `{"provider":"says"}`)
	if status, answer := l.send(shopToken, `{"ref":"r","scope":"s","phone":"1"}`); status != 200 {
		t.Fatal(answer)
	}
	l.ended() // the budget is two attempts
	read := func(token, path string) string {
		t.Helper()
		return l.do(request{method: http.MethodGet, path: path, token: token}).want(200).body
	}
	revealing := []string{address, `\"provider\"`, `"target_payload":{`}
	for _, path := range []string{"/v1/tasks/1", "/v1/tasks"} {
		shown := read(shopToken, path)
		for _, text := range append(revealing, "HTTP 500 Internal Server Error: ") {
			if strings.Contains(shown, text) {
				t.Errorf("%s shows a client %s:\n%s", path, text, shown)
			}
		}
		if !strings.Contains(shown, `"last_error":"it could not be delivered"`) || !strings.Contains(shown, `"phone":"1"`) {
			t.Errorf("%s does not show a client what is its own:\n%s", path, shown)
		}
	}
	var task struct {
		Attempts []struct {
			Resource, Outcome, Error, Detail string
			StatusCode                       *int   `json:"status_code"`
			ResponseBody                     string `json:"response_body"`
		}
	}
	decode(t, read(shopToken, "/v1/tasks/1"), &task)
	if len(task.Attempts) != 2 || task.Attempts[0].Detail != "no answer: refused" || task.Attempts[1].Detail != "HTTP 500 Internal Server Error" ||
		*task.Attempts[1].StatusCode != 500 || task.Attempts[1].ResponseBody != "" {
		t.Errorf("attempts as a client sees them: %+v", task.Attempts)
	}

	wantAll := func(who, token string) {
		t.Helper()
		shown := read(token, "/v1/tasks/1")
		for _, text := range revealing {
			if !strings.Contains(shown, text) {
				t.Errorf("%s does not see %s:\n%s", who, text, shown)
			}
		}
	}
	wantAll("an administrator", adminToken)
	l.apply(strings.Replace(fmt.Sprintf(liveFile, "http://"+address, l.backup.URL), "{name: shop,", "{name: shop, show_provider_bodies: true,", 1))
	wantAll("a client that may", shopToken)
}

// TestARefusalByTheMappingIsTheClientsToRead: it is about its own payload.
func TestARefusalByTheMappingIsTheClientsToRead(t *testing.T) {
	l := newLive(t)
	if status, answer := l.send(shopToken, `{"ref":"r","scope":"s","phone":"1","amount":"much"}`); status != 200 {
		t.Fatal(answer)
	}
	l.ended()
	shown := l.do(request{method: http.MethodGet, path: "/v1/tasks/1", token: shopToken}).want(200).body
	if !strings.Contains(shown, "cannot become a number") {
		t.Error(shown)
	}
}
