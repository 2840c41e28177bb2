package deliver

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

// TestPreviewIsWhatArrives compares previews with what a server receives.
func TestPreviewIsWhatArrives(t *testing.T) {
	var arrived Preview
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Header.Set("Host", r.Host)
		arrived = Preview{Method: r.Method, URL: "http://" + r.Host + r.URL.String(), Header: r.Header, Body: body}
	})
	tests := []struct {
		name, method, key, body string
		userinfo                string
		headers                 map[string]dispatchapy.Secret
	}{
		{name: "plain", method: http.MethodPost, key: "k1", body: `{"a":1}`},
		{name: "own headers win", method: http.MethodPut, key: "k1", body: `{}`,
			headers: map[string]dispatchapy.Secret{"X-Key": "k", "Content-Type": "application/vnd.x+json", "User-Agent": "me", "Accept-Encoding": "identity"}},
		{name: "credentials in the URL", method: http.MethodPost, body: `{}`, userinfo: "u:p@"},
		{name: "without body", method: http.MethodPost},
		{name: "GET", method: http.MethodGet},
	}
	c := newTestClient(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := NewTarget(&dispatchapy.Resource{
				Name: "r", Method: tt.method, URL: strings.Replace(server.URL, "://", "://"+tt.userinfo, 1) + "/a/b?c=d", Headers: tt.headers,
			})
			preview, err := c.Preview(t.Context(), &target, tt.key, []byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if result := c.Do(t.Context(), &target, tt.key, []byte(tt.body)); result.Outcome != dispatchapy.OutcomeDelivered {
				t.Fatal(result.Detail)
			}
			if diff := cmp.Diff(arrived, preview); diff != "" {
				t.Errorf("arrived (-), preview (+):\n%s", diff)
			}
		})
	}
}

func TestPreviewOfABadURLDoesNotRepeatIt(t *testing.T) {
	target := NewTarget(&dispatchapy.Resource{Name: "r", URL: "ftp://topsecret"})
	_, err := newTestClient(t).Preview(t.Context(), &target, "", nil)
	if err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("error %v", err)
	}
}
