package cli_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dispatchapy/internal/cli"
)

func TestSessionsAreListedAndEnded(t *testing.T) {
	var ended []string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/sessions", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"items":[{"id":7,"name":"ann","role":"operator","address":"192.0.2.1","agent":"Fire\u001b[31mfox"}],"next":null}`)
	})
	mux.HandleFunc("DELETE /v1/sessions/{id}", func(w http.ResponseWriter, r *http.Request) {
		if id := r.PathValue("id"); id != "8" {
			ended = append(ended, id)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"detail":"there is no session 8","code":"not_found"}`)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	run := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if got := cli.Run(append(args, "--server", server.URL, "--token", "t"), "test", strings.NewReader(""), &out, &out); got != want {
			t.Errorf("%v: exit code %d, want %d: %s", args, got, want, out.String())
		}
		return out.String()
	}
	if out := run(0, "session", "list"); !strings.Contains(out, "ann") || strings.Contains(out, "\x1b") {
		t.Errorf("list: %q", out)
	}
	out := run(1, "session", "end", "8", "7")
	if len(ended) != 1 || !strings.Contains(out, "session 7 ended") || !strings.Contains(out, "there is no session 8") || !strings.Contains(out, "1 of 2") {
		t.Errorf("end: %q, ended %v", out, ended)
	}
}
