package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"dispatchapy/internal/config"
)

// TestBehindAProxy has people come through a reverse proxy: each has an address
// of their own, and links lead to where they came.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	g := start(t, fillOne(newProvider(t, works)), func(o *config.Options) {
		o.AdminPassword, o.TrustedProxies = "the password of admin", []string{"127.0.0.0/8"}
	})
	signIn := func(from, name, password string) (status int, answer []byte) {
		t.Helper()
		body := strings.NewReader(`{"name":"` + name + `","password":"` + password + `"}`)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.url+"/v1/session", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", "198.51.100.66, "+from)
		res, err := g.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if answer, err = io.ReadAll(res.Body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, answer
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		signIn("203.0.113.1", name, "guessing")
	}
	if status, answer := signIn("203.0.113.1", "admin", "the password of admin"); status != http.StatusTooManyRequests {
		t.Errorf("whoever guesses: %d %s", status, answer)
	}
	status, answer := signIn("2001:db8::2", "admin", "the password of admin")
	if status != http.StatusCreated {
		t.Fatalf("somebody else: %d %s", status, answer)
	}
	var sessions struct {
		Items []struct{ Address string }
	}
	g.get(t, "/v1/sessions", &sessions)
	if len(sessions.Items) != 1 || sessions.Items[0].Address != "2001:db8::2" {
		t.Errorf("sessions %+v", sessions)
	}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/v1/endpoints", nil)
	if err != nil {
		t.Fatal(err)
	}
	var endpoints struct{ Items []struct{ ID json.Number } }
	g.get(t, "/v1/endpoints", &endpoints)
	req.URL.Path += "/" + endpoints.Items[0].ID.String() + "/samples"
	for name, value := range map[string]string{
		"Authorization": "Bearer " + adminToken, "X-Forwarded-For": "203.0.113.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "gateway.example",
	} {
		req.Header.Set(name, value)
	}
	res, err := g.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if samples, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(samples), "https://gateway.example/api/send_sms") {
		t.Errorf("samples %s, %v", samples, err)
	}
}
