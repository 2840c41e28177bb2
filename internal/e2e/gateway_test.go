package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dispatchapy/internal/app"
	"dispatchapy/internal/config"
)

const (
	adminToken = "e2e-admin-token-0123456789"
	shopToken  = "dpy_e2e-shop-token-0123456789"
)

// gateway talks to a running gateway from outside.
type gateway struct {
	url  string
	http *http.Client
}

func newGateway(t *testing.T, addr string) *gateway {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &gateway{url: "http://" + addr, http: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// local is a gateway in this process.
type local struct {
	*gateway
	app  *app.App
	logs *logs
	dir  string
	stop func() // may be called early, and again
}

// start starts a gateway with the given gateway file. It ends with the test.
func start(t *testing.T, file string, change ...func(*config.Options)) *local {
	t.Helper()
	options := config.Options{Addr: "127.0.0.1:0", DataDir: t.TempDir(), AdminToken: adminToken, Grace: 5 * time.Second}
	for _, f := range change {
		f(&options)
	}
	l := &local{logs: &logs{}, dir: options.DataDir}
	log := slog.New(slog.NewJSONHandler(l.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	gateway, err := app.New(t.Context(), options, "e2e", log)
	if err != nil {
		t.Fatal(err)
	}
	l.app, l.stop = gateway, sync.OnceFunc(gateway.Stop)
	t.Cleanup(func() {
		l.stop()
		if t.Failed() {
			t.Logf("the gateway's log ends with:\n%s", l.logs.tail(40))
		}
	})
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	l.gateway = newGateway(t, gateway.Addr())
	l.apply(t, file)
	return l
}

// logs keeps what was logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logs) tail(lines int) string {
	all := strings.Split(strings.TrimSpace(l.String()), "\n")
	return strings.Join(all[max(len(all)-lines, 0):], "\n")
}

// fill replaces $name in a gateway file.
func fill(file string, values map[string]string) string {
	return os.Expand(file, func(name string) string {
		value, ok := values[name]
		if !ok {
			return "$" + name
		}
		return value
	})
}

// apply applies a gateway file.
func (g *gateway) apply(t *testing.T, file string) {
	t.Helper()
	if status, body := g.manage(t, http.MethodPut, "/v1/config", file); status != http.StatusOK {
		t.Fatalf("the gateway file was refused with %d: %s", status, body)
	}
}

// manage makes a request to the management API, as the administrator.
func (g *gateway) manage(t *testing.T, method, path, body string) (status int, answer []byte) {
	t.Helper()
	return g.manageAs(t, adminToken, method, path, body)
}

func (g *gateway) manageAs(t *testing.T, token, method, path, body string) (status int, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, g.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if method == http.MethodPut {
		req.Header.Set("Content-Type", "application/yaml")
	}
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

func (g *gateway) get(t *testing.T, path string, into any) {
	t.Helper()
	status, body := g.manage(t, http.MethodGet, path, "")
	if status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, body)
	}
}

// receipt is the answer to a message.
type receipt struct {
	HTTP   int         `json:"-"`
	Header http.Header `json:"-"`
	Status string      `json:"status"`
	ID     int64       `json:"task_id"`
	Detail string      `json:"detail"`
}

// try sends a message. An error means that there was no answer.
func (g *gateway) try(ctx context.Context, path, body string, header ...string) (receipt, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+"/api/"+path, strings.NewReader(body))
	if err != nil {
		return receipt{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-Token", shopToken)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := g.http.Do(req)
	if err != nil {
		return receipt{}, err
	}
	defer res.Body.Close()
	answer := receipt{HTTP: res.StatusCode, Header: res.Header}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return receipt{}, fmt.Errorf("the answer %d cannot be read: %w", res.StatusCode, err)
	}
	return answer, nil
}

// send sends a message that must be accepted, and gives its id.
func (g *gateway) send(t *testing.T, path, ref string, header ...string) int64 {
	t.Helper()
	answer, err := g.try(t.Context(), path, message(ref), header...)
	if err != nil {
		t.Fatal(err)
	}
	if answer.HTTP != http.StatusOK {
		t.Fatalf("message %s was refused with %d: %s", ref, answer.HTTP, answer.Detail)
	}
	return answer.ID
}

// message is a payload that every endpoint of these tests takes.
func message(ref string) string {
	return fmt.Sprintf(`{"ref":%q,"scope":"e2e","phone":"6281234","message":"hello %s"}`, ref, ref)
}

// flood sends n messages from several senders at once and gives their ids by
// ref. All must be accepted.
func (g *gateway) flood(t *testing.T, path, prefix string, n int) map[string]int64 {
	t.Helper()
	const senders = 16
	var (
		mu   sync.Mutex
		next atomic.Int64
		wait sync.WaitGroup
		ids  = make(map[string]int64, n)
	)
	for range senders {
		wait.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				ref := prefix + strconv.FormatInt(i, 10)
				answer, err := g.try(t.Context(), path, message(ref))
				if err != nil || answer.HTTP != http.StatusOK {
					t.Errorf("message %s: %d %s, %v", ref, answer.HTTP, answer.Detail, err)
					return
				}
				mu.Lock()
				ids[ref] = answer.ID
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return ids
}

// task is a task of the management API, as far as the tests look at it.
type task struct {
	ID           int64           `json:"id"`
	Status       string          `json:"status"`
	Client       string          `json:"client"`
	Endpoint     string          `json:"endpoint"`
	Ref          string          `json:"ref"`
	Resource     string          `json:"resource"`
	Source       json.RawMessage `json:"source_payload"`
	Target       json.RawMessage `json:"target_payload"`
	AttemptCount int             `json:"attempt_count"`
	MaxAttempts  int             `json:"max_attempts"`
	LastError    string          `json:"last_error"`
	Attempts     []attempt       `json:"attempts"`
	Log          []entry         `json:"log"`
}

type entry struct {
	Message string `json:"message"`
}

type attempt struct {
	Number     int    `json:"number"`
	Resource   string `json:"resource"`
	Outcome    string `json:"outcome"`
	StatusCode int    `json:"status_code"`
	Error      string `json:"error"`
}

func (g *gateway) task(t *testing.T, id int64) task {
	t.Helper()
	var found task
	g.get(t, fmt.Sprintf("/v1/tasks/%d", id), &found)
	return found
}

// tasks lists all tasks that a query selects, to the last page.
func (g *gateway) tasks(t *testing.T, query string) []task {
	t.Helper()
	var all []task
	cursor := ""
	for {
		var page struct {
			Items []task `json:"items"`
			Next  string `json:"next"`
		}
		g.get(t, "/v1/tasks?limit=200&"+query+"&cursor="+url.QueryEscape(cursor), &page)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

// awaitStatus waits until a task is in a status, and gives it.
func (g *gateway) awaitStatus(t *testing.T, id int64, status string) (found task) {
	t.Helper()
	eventually(t, patience, fmt.Sprintf("task %d is %s", id, status), func() (bool, any) {
		found = g.task(t, id)
		return found.Status == status, found.Status
	})
	return found
}

// awaitQuiet waits until no task is waiting or being sent.
func (g *gateway) awaitQuiet(t *testing.T, within time.Duration) {
	t.Helper()
	eventually(t, within, "no task is pending or processing", func() (bool, any) {
		left := g.tasks(t, "status=pending,processing")
		return len(left) == 0, fmt.Sprintf("%d are left", len(left))
	})
}

// act retries, stops or sends a task and gives the status of the answer.
func (g *gateway) act(t *testing.T, id int64, action string) int {
	t.Helper()
	status, _ := g.manage(t, http.MethodPost, fmt.Sprintf("/v1/tasks/%d/%s", id, action), "")
	return status
}

func (g *gateway) delete(t *testing.T, id int64) int {
	t.Helper()
	status, _ := g.manage(t, http.MethodDelete, fmt.Sprintf("/v1/tasks/%d", id), "")
	return status
}

// health gives the state of a resource.
func (g *gateway) health(t *testing.T, resource string) string {
	t.Helper()
	var page struct {
		Items []struct {
			Name   string `json:"name"`
			Health struct {
				State string `json:"state"`
			} `json:"health"`
		} `json:"items"`
	}
	g.get(t, "/v1/resources", &page)
	for _, r := range page.Items {
		if r.Name == resource {
			return r.Health.State
		}
	}
	t.Fatalf("there is no resource %s", resource)
	return ""
}

// metrics reads /metrics: the value of every series, by its name with labels.
func (g *gateway) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	status, body := g.manage(t, http.MethodGet, "/metrics", "")
	if status != http.StatusOK {
		t.Fatalf("GET /metrics: %d %s", status, body)
	}
	lines := bufio.NewScanner(bytes.NewReader(body))
	for lines.Scan() {
		series, text, ok := cutLast(lines.Text(), " ")
		if !ok || strings.HasPrefix(series, "#") {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("/metrics: %q: %v", lines.Text(), err)
		}
		out[series] = value
	}
	return out
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
