package apidocs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
)

// TestCurl runs the command in a shell, with a curl that prints what it is
// called with.
func TestCurl(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell")
	}
	dir := t.TempDir()
	fake := "#!" + sh + "\nfor arg in \"$@\"; do printf '%s\\n' \"<$arg>\"; done\n"
	if err := os.WriteFile(filepath.Join(dir, "curl"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	const masked = dispatchapy.Redacted
	tests := []struct {
		name     string
		exchange dispatchapy.Exchange
		body     string
		want     []string
	}{
		{
			"plain", dispatchapy.Exchange{Method: "POST", URL: "https://api.example/send?channel=5", Request: []dispatchapy.Header{
				{Name: "Accept-Encoding", Value: "gzip"}, {Name: "Content-Type", Value: "application/json"}, {Name: "Idempotency-Key", Value: "k-1"},
			}},
			`{"text":"it's 5 $HOME` + "`id`" + `"}`,
			[]string{"--globoff", "https://api.example/send?channel=5", "--compressed", "-H", "Content-Type: application/json",
				"-H", "Idempotency-Key: k-1", "--data-raw", `{"text":"it's 5 $HOME` + "`id`" + `"}`},
		},
		{
			"secrets", dispatchapy.Exchange{Method: "PUT", URL: "https://api.example/?api-key=" + masked + "&a=b&token=" + masked, Request: []dispatchapy.Header{
				{Name: "Authorization", Value: masked}, {Name: "X-Key", Value: masked}, {Name: "X-`id`$(id)", Value: masked},
			}},
			`{}`,
			[]string{"--globoff", "-X", "PUT", "https://api.example/?api-key=hush1&a=b&token=hush2",
				"-H", "Authorization: Bearer hush3", "-H", "X-Key: hush4", "-H", "X-`id`$(id): ", "--data-raw", "{}"},
		},
		{
			"nothing sent", dispatchapy.Exchange{Method: "GET", URL: "https://api.example/'; echo hacked; '"}, "",
			[]string{"--globoff", "-X", "GET", "https://api.example/'; echo hacked; '"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), sh, "-c", Curl(&tt.exchange, []byte(tt.body)))
			cmd.Env = []string{"PATH=" + dir, "SECRET_API_KEY=hush1", "SECRET_TOKEN=hush2", "SECRET_AUTHORIZATION=Bearer hush3", "SECRET_X_KEY=hush4"}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want := "<" + strings.Join(tt.want, ">\n<") + ">\n"
			if diff := cmp.Diff(want, string(out)); diff != "" {
				t.Errorf("%s\n%s", Curl(&tt.exchange, []byte(tt.body)), diff)
			}
		})
	}
}
