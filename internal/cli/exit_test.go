package cli_test

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"

	"dispatchapy/internal/cli"
)

func TestExitCodes(t *testing.T) {
	t.Chdir(t.TempDir())
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := os.WriteFile("wrong.yaml", []byte("version: 1\nendpoints: [{path: a, resources: [nowhere]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args string
		env  string // a variable for this run: NAME=value
		want int
		says string
	}{
		{args: "--version", want: 0, says: "dispatchapy test"},
		{args: "nonsense", want: 2, says: "nonsense"},
		{args: "serve --addr nonsense", want: 2, says: "--addr"},
		{args: "serve --addr " + taken.Addr().String(), want: 2, says: "--addr"},
		{args: "serve --grace -1s", want: 2, says: "--grace"},
		{args: "serve --config absent.yaml", want: 2, says: "--config"},
		{args: "serve --config wrong.yaml", want: 2, says: "wrong.yaml:2:"},
		{args: "serve", env: "DISPATCHAPY_SECRET_KEY=short", want: 2, says: "DISPATCHAPY_SECRET_KEY"},
		{args: "serve --secret-key-file absent.key", want: 2, says: "absent.key"},
		{args: "healthcheck --addr nonsense", want: 2, says: "--addr"},
		{args: "healthcheck --addr 127.0.0.1:1", want: 1, says: "not ready"},
		{args: "import --from original absent.db", want: 2, says: "absent.db"},
		{args: "restore absent.db", want: 2, says: "absent.db"},
		{args: "check -f \x1b[31mred.yaml", want: 2, says: "open  [31mred.yaml"},
		{args: "check -f wrong.yaml", want: 2, says: "wrong.yaml:2:"},
		{args: "check -f absent.yaml", want: 2, says: "-f"},
		{args: "export --data-dir nowhere", want: 2, says: "--data-dir"},
		{args: "task list --data-dir nowhere", want: 1, says: "no gateway is running"},
		{args: "task list --server http://127.0.0.1:1", want: 2, says: "--token"},
		{args: "task list --server 127.0.0.1:1 --token t", want: 2, says: "--server"},
		{args: "send alerts --server 127.0.0.1:1 --client-token t -d {}", want: 2, says: "--server"},
		{args: "task list --limit 0", want: 2, says: "--limit"},
		{args: "task list --since yesterday", want: 2, says: "--since"},
		{args: "task list --until yesterday", want: 2, says: "--until"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			if name, value, set := strings.Cut(tc.env, "="); set {
				t.Setenv(name, value)
			}
			var out bytes.Buffer
			if got := cli.Run(strings.Fields(tc.args), "test", strings.NewReader(""), &out, &out); got != tc.want {
				t.Errorf("exit code %d, want %d: %s", got, tc.want, out.String())
			}
			if !strings.Contains(out.String(), tc.says) {
				t.Errorf("%q does not say %q", out.String(), tc.says)
			}
		})
	}
}
