package demo

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dispatchapy/internal/app"
	"dispatchapy/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startGateway starts a real one in the test's directory.
func startGateway(t *testing.T) StartFunc {
	return func(ctx context.Context, addr string, gatewayFile []byte) (Gateway, error) {
		dir := t.TempDir()
		file := filepath.Join(dir, "gateway.yaml")
		if err := os.WriteFile(file, gatewayFile, 0o600); err != nil {
			return Gateway{}, err
		}
		const token = "an-admin-token-for-the-test"
		options := config.Options{Addr: addr, DataDir: filepath.Join(dir, "data"), Config: file, AdminToken: token, Grace: 5 * time.Second}
		gateway, err := app.New(ctx, options, "test", slog.New(slog.DiscardHandler))
		if err != nil {
			return Gateway{}, err
		}
		if err := gateway.Start(); err != nil {
			gateway.Stop()
			return Gateway{}, err
		}
		return Gateway{URL: "http://" + gateway.Addr(), AdminToken: token, Stop: gateway.Stop}, nil
	}
}

// audience reads the story and calls done when it has heard everything it wants.
type audience struct {
	mu    sync.Mutex
	heard bytes.Buffer
	wants []*regexp.Regexp
	done  func()
}

func (a *audience) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard.Write(p)
	for len(a.wants) > 0 && a.wants[0].Match(a.heard.Bytes()) {
		a.wants = a.wants[1:]
	}
	if len(a.wants) == 0 {
		a.done()
	}
	return len(p), nil
}

// TestStory ends when everything that a newcomer shall see has been told.
func TestStory(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	a := &audience{done: cancel}
	for _, want := range []string{
		`Authorization: Bearer an-admin-token-for-the-test' http://127\.0\.0\.1:\d+/v1/tasks`,
		`#\d+ +send_sms +accepted: Your verification code`,
		`#\d+ +send_sms +sms-primary ok \([\d.]+ ms\)`,
		`#\d+ +send_sms +sms-primary 500 \([\d.]+ ms\) -> sms-backup ok \(\d{3} ms\)`,
		`#\d+ +send_sms +sms-primary 503 \([\d.]+ ms\) -> sms-backup ok`,
		`\^ +failover`,
		`pager +is DOWN: `,
		`\^ +its only provider is down: it waits`,
		`\^ +its first provider is known to be down`,
		`pager +is UP again`,
		`\^ +it waited \d+\.\d s`,
	} {
		a.wants = append(a.wants, regexp.MustCompile(want))
	}
	err := Run(ctx, Options{Out: a, Addr: "127.0.0.1:0", Start: startGateway(t), pace: pace{
		message: 40 * time.Millisecond, look: 20 * time.Millisecond, life: 3 * time.Second, ending: 15 * time.Second,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.wants) > 0 {
		t.Fatalf("never heard %q in:\n%s", a.wants[0], &a.heard)
	}

	heard := a.heard.String()
	sum := regexp.MustCompile(`(\d+) messages in \d+ s: (\d+) delivered, 0 failed, 0 still waiting`).FindStringSubmatch(heard)
	if sum == nil || sum[1] != sum[2] {
		t.Errorf("summary %q; not every message was delivered:\n%s", sum, heard)
	} else if want := sum[2] + " of " + sum[2] + " delivered messages arrived, 0 of them more than once."; !strings.Contains(heard, want) {
		t.Errorf("the providers do not confirm %q:\n%s", want, heard)
	}
}

func TestRunSaysWhyItCannotStart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = Run(t.Context(), Options{Out: &bytes.Buffer{}, Addr: l.Addr().String(), Start: startGateway(t)})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
	broken := errors.New("no")
	err = Run(t.Context(), Options{Out: &bytes.Buffer{}, Start: func(context.Context, string, []byte) (Gateway, error) { return Gateway{}, broken }})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestEveryEndpointOfTheScriptHasAFirstChoice(t *testing.T) {
	for _, line := range script {
		first := firstChoice[line.endpoint]
		if first == "" || !strings.Contains(gatewayFile, "- path: "+line.endpoint+"\n") ||
			!regexp.MustCompile(`path: `+line.endpoint+`\n(.*\n)*?    resources: \[`+first).MatchString(gatewayFile) {
			t.Errorf("%s: first choice %q is not that of gateway.yaml", line.endpoint, first)
		}
	}
}
