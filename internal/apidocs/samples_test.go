package apidocs

import (
	"context"
	"encoding/json"
	"go/format"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

const sampleToken = `dpy_"quoted"$HOME\`

// runners are the programs that run a sample from a file.
var runners = map[string]struct {
	file    string
	command []string
}{
	"bash":       {"sample.sh", []string{"sh"}},
	"go":         {"sample.go", []string{"go", "run"}},
	"python":     {"sample.py", []string{"python3"}},
	"javascript": {"sample.js", []string{"node"}},
	"php":        {"sample.php", []string{"php"}},
}

// seen is a request as it arrived at the gateway.
type seen struct {
	Method, Path, Token, ContentType, Key string
	Body                                  any
}

// gateway answers with the status and remembers what came.
func gateway(t *testing.T, status int, answer string) (url string, requests func() []seen) {
	t.Helper()
	arrived := make(chan seen, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := seen{Method: r.Method, Path: r.URL.Path, Token: r.Header.Get("X-API-Token"),
			ContentType: r.Header.Get("Content-Type"), Key: r.Header.Get("Idempotency-Key")}
		text, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(text, &s.Body)
		}
		if err != nil {
			s.Body = err.Error()
		}
		arrived <- s
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []seen {
		server.Close() // waits for the handlers
		close(arrived)
		return slices.Collect(func(yield func(seen) bool) {
			for s := range arrived {
				if !yield(s) {
					return
				}
			}
		})
	}
}

// run runs a sample as it is printed; the test is skipped where the language is
// not installed.
func run(t *testing.T, sample Sample) (output string, err error) {
	t.Helper()
	runner := runners[sample.Language]
	needed := []string{runner.command[0]}
	if sample.Language == "bash" {
		needed = append(needed, "curl")
	}
	for _, program := range needed {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("NOT TESTED: %s cannot be run, because %s is not installed", sample.Label, program)
		}
	}
	if sample.Language == "php" && exec.CommandContext(t.Context(), "php", "-r", `exit((int) !extension_loaded("curl"));`).Run() != nil {
		t.Skipf("NOT TESTED: %s cannot be run, because PHP has no curl extension", sample.Label)
	}
	file := filepath.Join(t.TempDir(), runner.file)
	if err := os.WriteFile(file, []byte(sample.Code), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, runner.command[0], append(runner.command[1:], file)...)
	cmd.Dir = filepath.Dir(file)
	cmd.Env = append(os.Environ(), TokenVariable+"="+sampleToken, "NO_PROXY=*", "no_proxy=*", "GOFLAGS=", "GOWORK=off")
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// oddEndpoint has in it whatever could break out of a string, a comment or a
// path. Such a path cannot be configured; it is escaped all the same.
func oddEndpoint() *routing.Endpoint {
	return &routing.Endpoint{Endpoint: &dispatchapy.Endpoint{
		Path:        `a b/ü'"$HOME\n/100%?#{x}[1-3]` + "`id`",
		Description: "coding: latin-1 */ ?> <?php \" ' ` $HOME $(id) \\ %s %d 🎉\u2028+build x\u202e\n" + `second \`,
		RequiredParams: []string{"ref", "scope", "phone_number", "total", `q"u'o` + "`" + `te`, `$HOME $(id) ${x}`, `back\slash\n`, "ünï 🎉", "zero\u200bwidth \U000e0041",
			"__proto__", "a\u2028b\ufeff", "?>", "%s", "@file", "is_urgent", "constructor", "items"},
	}}
}

func TestSamplesRunAsPrinted(t *testing.T) {
	for name, endpoint := range map[string]*routing.Endpoint{
		"plain": fixture(t).Endpoint("send_sms"),
		"odd":   oddEndpoint(),
	} {
		var message any
		if err := json.Unmarshal([]byte(compactJSON.text(exampleMessage(parametersOf(endpoint.Endpoint)), 0)), &message); err != nil {
			t.Fatal(err)
		}
		want := []seen{{Method: "POST", Path: "/api/" + endpoint.Path, Token: sampleToken, ContentType: "application/json", Key: exampleRef, Body: message}}
		for i := range Samples(endpoint, "") {
			t.Run(name+"/"+Samples(endpoint, "")[i].Label, func(t *testing.T) {
				url, requests := gateway(t, 200, `{"status":"queued","task_id":7}`)
				sample := Samples(endpoint, url+"/")[i]
				output, err := run(t, sample)
				if err != nil {
					t.Fatalf("%v\n%s\n%s", err, output, sample.Code)
				}
				if diff := cmp.Diff(want, requests()); diff != "" {
					t.Errorf("%s\n%s", diff, sample.Code)
				}
				if !strings.Contains(output, `{"status":"queued","task_id":7}`) {
					t.Errorf("the answer is not printed: %s", output)
				}
			})
		}
	}
}

func TestSamplesFailWhenRefused(t *testing.T) {
	endpoint := fixture(t).Endpoint("orders/create")
	for i := range Samples(endpoint, "") {
		t.Run(Samples(endpoint, "")[i].Label, func(t *testing.T) {
			const refusal = `{"detail":"Invalid API token for this endpoint"}`
			url, _ := gateway(t, 403, refusal)
			output, err := run(t, Samples(endpoint, url)[i])
			if err == nil {
				t.Errorf("it did not fail; it said %s", output)
			}
			if !strings.Contains(output, refusal) || !strings.Contains(output, "403") {
				t.Errorf("it does not say why it failed: %s", output)
			}
		})
	}
}

// Nothing that cannot be seen gets into code, where it could hide something.
func TestSamplesAreReadable(t *testing.T) {
	for _, sample := range Samples(oddEndpoint(), "https://gateway.example.com") {
		for _, hidden := range []string{"\u2028", "\u202e", "\u200b", "\ufeff", "\U000e0041"} {
			if strings.Contains(sample.Code, hidden) {
				t.Errorf("%s: contains %+q", sample.Label, hidden)
			}
		}
		if strings.Count(sample.Code, "?>") > 1 { // the key; not the comment
			t.Errorf("%s: the comment ends a PHP program:\n%s", sample.Label, sample.Code)
		}
	}
}

func TestGoSampleIsFormatted(t *testing.T) {
	for _, endpoint := range []*routing.Endpoint{fixture(t).Endpoint("send_sms"), oddEndpoint()} {
		code := Samples(endpoint, "https://gateway.example.com")[1].Code
		formatted, err := format.Source([]byte(code))
		if err != nil || string(formatted) != code {
			t.Errorf("not formatted (%v):\n%s", err, code)
		}
	}
}
