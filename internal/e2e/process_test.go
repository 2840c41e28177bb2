package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// program is the gateway's program, built once when the first test needs it.
var program struct {
	once sync.Once
	dir  string
	path string
	err  error
}

func buildProgram(t *testing.T) string {
	t.Helper()
	program.once.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "dispatchapy-e2e-*"); program.err != nil {
			return
		}
		program.path = filepath.Join(program.dir, "dispatchapy")
		build := exec.CommandContext(context.Background(), "go", "build", "-o", program.path, "dispatchapy/cmd/dispatchapy")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			program.err = fmt.Errorf("build the program: %w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

func removeProgram() {
	if program.dir != "" {
		_ = os.RemoveAll(program.dir)
	}
}

// process is a gateway in a process of its own.
type process struct {
	*gateway
	cmd   *exec.Cmd
	logs  *logs
	ended chan struct{} // closed when the process is gone
}

// launch runs `dispatchapy serve` on a data directory and waits until it is
// ready. The process is killed at the end of the test if it still runs.
func launch(t *testing.T, dir, file string, flags ...string) *process {
	t.Helper()
	return launchIn(t, nil, dir, file, flags...)
}

// launchIn is launch with more in the environment.
func launchIn(t *testing.T, env []string, dir, file string, flags ...string) *process {
	t.Helper()
	config := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(config, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"serve", "--addr", "127.0.0.1:0", "--data-dir", dir, "--config", config}, flags...)
	p := &process{cmd: command(t, args...), logs: &logs{}, ended: make(chan struct{})}
	p.cmd.Env = append(p.cmd.Env, env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr := make(chan string, 1)
	go func() {
		defer close(p.ended)
		p.read(stderr, addr)
		_ = p.cmd.Wait() // how it ended is read from ProcessState
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the log of process %d ends with:\n%s", p.cmd.Process.Pid, p.logs.tail(20))
		}
	})
	select {
	case at := <-addr:
		p.gateway = newGateway(t, at)
	case <-p.ended:
		t.Fatalf("the gateway ended with %s: %s", p.cmd.ProcessState, p.logs)
	case <-time.After(patience):
		t.Fatalf("the gateway is not ready: %s", p.logs)
	}
	return p
}

// command prepares the program. It outlives the test's context, because the
// clean-ups of the test end it.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), buildProgram(t), args...)
	cmd.Env = append(withoutOptions(os.Environ()), "DISPATCHAPY_ADMIN_TOKEN="+adminToken)
	return cmd
}

// read keeps the log and finds the address in it.
func (p *process) read(stderr io.Reader, addr chan<- string) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fmt.Fprintf(p.logs, "%s\n", lines.Bytes())
		var line struct {
			Message string `json:"msg"`
			Addr    string `json:"addr"`
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "ready" {
			addr <- line.Addr
		}
	}
}

// withoutOptions drops what would configure the gateway from outside the test.
func withoutOptions(env []string) (out []string) {
	for _, v := range env {
		if !strings.HasPrefix(v, "DISPATCHAPY_") && !strings.HasPrefix(v, "GATEWAY_") {
			out = append(out, v)
		}
	}
	return out
}

// kill ends the process with SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.ended
}

// terminate ends the process with SIGTERM and gives its exit code.
func (p *process) terminate(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("the gateway did not end after SIGTERM")
	}
	return p.cmd.ProcessState.ExitCode()
}

// load is traffic without a pause.
type load struct {
	stopped atomic.Bool
	senders sync.WaitGroup

	mu      sync.Mutex
	acked   map[string]int64 // ids by ref
	refused int              // answered with 503
}

// load begins to send. Every sender goes on until the load is ended or nobody
// answers; what is refused with a 503 is sent again under a new ref.
func (g *gateway) load(t *testing.T, path, prefix string) *load {
	t.Helper()
	const senders = 8
	l := &load{acked: map[string]int64{}}
	var next atomic.Int64
	for range senders {
		l.senders.Go(func() {
			for !l.stopped.Load() {
				ref := prefix + strconv.FormatInt(next.Add(1), 10)
				answer, err := g.try(t.Context(), path, message(ref))
				if err != nil || !l.note(t, ref, answer) {
					return
				}
			}
		})
	}
	t.Cleanup(func() { l.end() })
	return l
}

func (l *load) note(t *testing.T, ref string, answer receipt) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case answer.HTTP == http.StatusOK:
		l.acked[ref] = answer.ID
	case answer.HTTP == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
		l.refused++
	default:
		t.Errorf("message %s was answered with %d: %s", ref, answer.HTTP, answer.Detail)
		return false
	}
	return true
}

// awaitAcked waits until so many messages were accepted.
func (l *load) awaitAcked(t *testing.T, n int) {
	t.Helper()
	eventually(t, patience, "messages accepted under load", func() (bool, any) {
		got := l.count()
		return got >= n, got
	})
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// awaitRefused waits until more messages were refused.
func (l *load) awaitRefused(t *testing.T) {
	t.Helper()
	eventually(t, patience, "messages refused with 503 and Retry-After", func() (bool, any) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.refused > 0, l.refused
	})
}

// end stops the load and gives the ids of what was accepted, by ref.
func (l *load) end() map[string]int64 {
	l.stopped.Store(true)
	l.senders.Wait()
	return l.acked
}
