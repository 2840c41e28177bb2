package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dispatchapy/internal/cli"
)

// TestABatchThatBreaksOffSaysWhatIsDone has the second of several batches fail.
func TestABatchThatBreaksOffSaysWhatIsDone(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			fmt.Fprint(w, `{"succeeded":3,"failed":0,"results":[],"next":"7"}`)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"detail":"the database is not available: try again","code":"unavailable"}`)
	}))
	defer server.Close()
	var out bytes.Buffer
	args := []string{"task", "retry", "--status", "failed", "--server", server.URL, "--token", "t"}
	if got := cli.Run(args, "test", strings.NewReader(""), &out, &out); got != 1 || !strings.Contains(out.String(), "3 tasks done, then: the database is not available") {
		t.Errorf("exit code %d: %s", got, out.String())
	}
}
