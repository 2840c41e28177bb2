package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefusesToStart starts the program in ways that cannot work. It must say
// what is wrong, with the right exit code, and leave the data as it was.
func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	p := newProvider(t, works)
	busy := t.TempDir()
	running := launch(t, busy, fillOne(p))
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("version: 1\nsettings:\n  max_attempts: 7\nresources:\n  - name: only\n    url: ftp://nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		flags []string
		code  int
		says  []string
	}{
		"invalid gateway file": {[]string{"--data-dir", t.TempDir(), "--config", broken}, 2, []string{"broken.yaml:6", "resources[0].url"}},
		"no such file":         {[]string{"--data-dir", t.TempDir(), "--config", broken + "x"}, 2, []string{"--config", "broken.yamlx"}},
		"unknown flag":         {[]string{"--colour"}, 2, []string{"--colour"}},
		"bad address":          {[]string{"--data-dir", t.TempDir(), "--addr", "nonsense"}, 2, []string{"--addr"}},
		"unknown database":     {[]string{"--data-dir", t.TempDir(), "--database-url", "mysql://h/d"}, 2, []string{"--database-url"}},
		"address in use":       {[]string{"--data-dir", t.TempDir(), "--addr", strings.TrimPrefix(running.url, "http://")}, 2, []string{"--addr"}},
		"key is gone":          {[]string{"--data-dir", keyless(t)}, 2, []string{"secret.key", "restore it"}},
		"data in use":          {[]string{"--data-dir", busy}, 1, []string{"in use by another process"}},
	} {
		args := append([]string{"serve", "--addr", "127.0.0.1:0"}, c.flags...)
		cmd := command(t, args...)
		out, _ := cmd.CombinedOutput() // its error is the exit code
		if code := cmd.ProcessState.ExitCode(); code != c.code {
			t.Errorf("%s: exit code %d, want %d: %s", what, code, c.code, out)
		}
		for _, says := range c.says {
			if !strings.Contains(string(out), says) {
				t.Errorf("%s: the message is %q, without %q", what, out, says)
			}
		}
	}
	running.awaitStatus(t, running.send(t, "send_sms", "undisturbed"), "success")
	if code := running.terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// keyless gives a data directory whose database has lost its key.
func keyless(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dispatchapy.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
