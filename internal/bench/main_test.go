package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/goccy/go-yaml"
	"go.uber.org/goleak"
)

// loseEnv makes the stand-in gateway lose every so manieth task.
const loseEnv = "BENCH_TEST_LOSE"

// TestMain lets the test binary play the children that Run starts: the helper
// processes, and a stand-in for the gateway.
func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == ChildCommand:
		err = Child(ctx, os.Args[2:], os.Stdin, os.Stdout)
	case len(os.Args) > 1 && os.Args[1] == "serve":
		err = standIn(ctx, os.Args[2:])
	default:
		stop()
		goleak.VerifyTestMain(m)
		return
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// config is what the stand-in understands of a gateway file.
type config struct {
	Version   int `yaml:"version"`
	Resources []struct {
		Name           string            `yaml:"name"`
		URL            string            `yaml:"url"`
		Headers        map[string]string `yaml:"headers"`
		RequiredParams []string          `yaml:"required_params"`
		Active         *bool             `yaml:"active"`
		Timeout        string            `yaml:"timeout"`
		HealthCheck    map[string]any    `yaml:"health_check"`
	} `yaml:"resources"`
	Endpoints []struct {
		Path           string                               `yaml:"path"`
		RequiredParams []string                             `yaml:"required_params"`
		Resources      []string                             `yaml:"resources"`
		Mapping        map[string]map[string]map[string]any `yaml:"mapping"`
	} `yaml:"endpoints"`
	Clients []struct {
		Name      string   `yaml:"name"`
		Token     string   `yaml:"token"`
		Endpoints []string `yaml:"endpoints"`
	} `yaml:"clients"`
}

// standIn is a gateway without a database: it answers, then delivers to the
// endpoint's active resources in order.
func standIn(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	addr := flags.String("addr", "", "")
	dataDir := flags.String("data-dir", "", "")
	file := flags.String("config", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if info, err := os.Stat(*dataDir); err != nil || !info.IsDir() {
		return fmt.Errorf("no data directory %q", *dataDir)
	}
	for _, name := range []string{"DISPATCHAPY_ADMIN_TOKEN", "GATEWAY_ADMIN_PASSWORD"} {
		if os.Getenv(name) == "" {
			return fmt.Errorf("%s is not set", name)
		}
	}
	text, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	var cfg config
	if err := yaml.UnmarshalWithOptions(text, &cfg, yaml.Strict()); err != nil {
		return err
	}
	var lose int64
	_, _ = fmt.Sscan(os.Getenv(loseEnv), &lose)
	return serveStandIn(ctx, *addr, cfg, lose)
}

func serveStandIn(ctx context.Context, addr string, cfg config, lose int64) error {
	urls := map[string]string{}
	for _, r := range cfg.Resources {
		if r.Active == nil || *r.Active {
			urls[r.Name] = r.URL
		}
	}
	routes := map[string][]string{}
	for _, e := range cfg.Endpoints {
		for _, name := range e.Resources {
			if url := urls[name]; url != "" {
				routes[e.Path] = append(routes[e.Path], url)
			}
		}
	}
	var id atomic.Int64
	var deliveries sync.WaitGroup
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /api/{path}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !json.Valid(body) || r.Header.Get("X-API-Token") != cfg.Clients[0].Token {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		n := id.Add(1)
		if lose == 0 || n%lose != 0 {
			urls := routes[r.PathValue("path")]
			deliveries.Go(func() { deliver(ctx, urls, body) })
		}
		fmt.Fprintf(w, `{"status":"queued","task_id":%d}`, n)
	})
	server := &http.Server{Addr: addr, Handler: mux} //nolint:gosec // a test
	defer context.AfterFunc(ctx, func() { server.Close() })()
	err := server.ListenAndServe()
	if ctx.Err() != nil {
		deliveries.Wait()
		return nil
	}
	return err
}

func deliver(ctx context.Context, urls []string, body []byte) {
	for _, url := range urls {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
}

func TestGatewayFileNamesWhatTheProviderNeeds(t *testing.T) {
	var cfg config
	if err := yaml.UnmarshalWithOptions(gatewayFile("127.0.0.1:1", "dpy_x"), &cfg, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for _, e := range cfg.Endpoints {
		for _, name := range e.Resources {
			for _, key := range []string{"seq", "kind"} {
				if from := e.Mapping[name][key]["from"]; from != key {
					t.Errorf("%s -> %s: %s is mapped from %v: the provider could not tell the tasks apart", e.Path, name, key, from)
				}
			}
		}
		if !strings.Contains(strings.Join(cfg.Clients[0].Endpoints, " "), e.Path) {
			t.Errorf("the client may not use %s", e.Path)
		}
	}
}
