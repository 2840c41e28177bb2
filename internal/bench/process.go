package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 60 * time.Second
)

// process is a child process that serves HTTP.
type process struct {
	name   string
	addr   string
	cmd    *exec.Cmd
	stdin  io.Closer // nil: it does not end with its standard input
	log    string    // file with its standard error
	exited chan struct{}
	err    error // valid once exited is closed
	once   sync.Once
}

// start runs the executable with args and waits until it has ended in the background.
func (r *run) start(name string, env []string, args ...string) (*process, io.Reader, error) {
	log, err := os.CreateTemp(r.dir, name+"-*.log")
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	// Not CommandContext: a gateway must be able to stop in peace after the
	// context has ended. Every caller defers kill.
	cmd := exec.Command(r.Executable, args...) //nolint:noctx // see above
	cmd.Env = env
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	// A pipe of our own: Wait would close the one of StdoutPipe under the reader.
	out, in, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	cmd.Stdout = in
	if err := cmd.Start(); err != nil {
		in.Close()
		out.Close()
		return nil, nil, fmt.Errorf("starting %s: %w", name, err)
	}
	in.Close()
	p := &process{name: name, cmd: cmd, stdin: stdin, log: log.Name(), exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		out.Close()
		close(p.exited)
	}()
	return p, out, nil
}

// startChild starts a helper process and waits for its address.
func (r *run) startChild(ctx context.Context, kind string, args ...string) (*process, error) {
	p, stdout, err := r.start(kind, os.Environ(), append([]string{ChildCommand, kind}, args...)...)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, p.kill)
	defer stop()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), listening)
	if err != nil || !ok {
		p.kill()
		return nil, p.failure("did not say where it listens")
	}
	p.addr = addr
	return p, nil
}

// startGateway starts a gateway with an empty database and waits until it is ready.
func (r *run) startGateway(ctx context.Context) (*process, error) {
	data, err := os.MkdirTemp(r.dir, "data-")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(data, "gateway.yaml")
	if err := os.WriteFile(config, gatewayFile(r.sink.addr, r.token), 0o600); err != nil {
		return nil, err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	p, stdout, err := r.start("gateway", gatewayEnv(), "serve", "--addr", addr, "--data-dir", data, "--config", config)
	if err != nil {
		return nil, err
	}
	go func() {
		// Its greeting is of no interest, but the pipe must not fill up.
		_, _ = io.Copy(io.Discard, stdout)
	}()
	p.addr = addr
	if err := p.awaitReady(ctx); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// gatewayEnv is the environment without options for a gateway that the person
// may have set for another one.
func gatewayEnv() []string {
	env := []string{"DISPATCHAPY_ADMIN_TOKEN=" + newToken(), "GATEWAY_ADMIN_PASSWORD=" + newToken()}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DISPATCHAPY_") && !strings.HasPrefix(v, "GATEWAY_") {
			env = append(env, v)
		}
	}
	return env
}

// freeAddr gives an address that nobody listens on at the moment.
func freeAddr(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (p *process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := get(ctx, p.addr, "/readyz"); err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return p.failure("ended instead of getting ready")
		case <-ctx.Done():
			return p.failure("was not ready in time")
		case <-tick.C:
		}
	}
}

// client asks children for their state: rarely, so that it keeps no connection.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// get makes one request and gives the body of a 200.
func get(ctx context.Context, addr, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return body, err
}

// stop asks the process to end and waits for it.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		p.kill()
		return p.failure(fmt.Sprintf("did not end within %s of SIGTERM", stopTimeout))
	}
	if p.err != nil {
		return p.failure("ended badly")
	}
	return nil
}

// kill ends the process at once. It may be called more than once.
func (p *process) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill() // it may have ended by itself
		p.stdin.Close()
	})
	<-p.exited
}

// failure words what happened, with the end of the process's log.
func (p *process) failure(what string) error {
	text := fmt.Sprintf("%s %s", p.name, what)
	select {
	case <-p.exited:
		if p.err != nil {
			text += " (" + p.err.Error() + ")"
		}
	default:
	}
	if log, err := os.ReadFile(p.log); err == nil && len(log) > 0 {
		lines := strings.Split(strings.TrimSpace(string(log)), "\n")
		text += "; the end of its log:\n" + strings.Join(lines[max(0, len(lines)-10):], "\n")
	}
	return errors.New(text)
}

// clockTicks is USER_HZ, the unit of /proc/PID/stat: 100 on every Linux.
const clockTicks = 100

// cpu gives the processor time used so far, 0 where there is no /proc.
func (p *process) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	return parseCPU(stat)
}

// parseCPU adds user and system time of a /proc/PID/stat.
func parseCPU(stat []byte) time.Duration {
	// The name in parentheses may contain anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, err1 := strconv.Atoi(string(fields[11]))
	system, err2 := strconv.Atoi(string(fields[12]))
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * time.Second / clockTicks
}

// peakMB gives the highest resident memory so far in MB, 0 where there is no /proc.
func (p *process) peakMB() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	return parsePeakMB(status)
}

func parsePeakMB(status []byte) float64 {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			fields := bytes.Fields(rest)
			if len(fields) == 0 {
				return 0
			}
			kib, err := strconv.Atoi(string(fields[0]))
			if err != nil {
				return 0
			}
			return float64(kib) * 1024 / 1e6
		}
	}
	return 0
}

// fileSystem gives the type of the file system that dir is on, "" if unknown.
func fileSystem(dir string) string {
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return ""
	}
	return fileSystemIn(string(mounts), dir)
}

func fileSystemIn(mounts, dir string) string {
	longest, found := 0, ""
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		point := fields[1]
		within := dir == point || strings.HasPrefix(dir, strings.TrimSuffix(point, "/")+"/")
		if within && len(point) >= longest {
			longest, found = len(point), fields[2]
		}
	}
	return found
}
