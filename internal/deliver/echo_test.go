package deliver

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dispatchapy"
)

// TestSecretsThatAProviderRepeats are not kept.
func TestSecretsThatAProviderRepeats(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Debug", "you sent "+r.Header.Get("X-Api-Key"))
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"headers": %q, "token": %q}`, r.Header, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		fmt.Fprintf(w, "Cannot POST %s (%q)", r.URL.RequestURI(), r.URL.Query())
	}))
	defer s.Close()
	c := NewClient(Options{AllowPrivate: always})
	defer c.Close()
	target := NewTarget(&dispatchapy.Resource{Method: "POST", URL: s.URL + "/send?token=hush%2Fquery-4711&to=somebody-else", Headers: map[string]dispatchapy.Secret{
		"X-Api-Key": "hush-key-4711", "Authorization": "Bearer hush-token-4711", "X-Token": "short", "Accept": "application/json",
	}})
	r := c.Do(t.Context(), &target, "k", []byte(`{}`))
	kept := fmt.Sprint(string(r.Body), r.Header, r.Detail, *r.Exchange)
	if strings.Contains(kept, "hush") {
		t.Errorf("a secret was kept: %s", kept)
	}
	if !strings.Contains(string(r.Body), "application/json") || !strings.Contains(string(r.Body), "short") ||
		!strings.Contains(string(r.Body), "/send?token=[redacted]&to=somebody-else") {
		t.Errorf("more than secrets was masked: %s", r.Body)
	}
}
