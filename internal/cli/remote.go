package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/app"
)

// remote says which gateway a command talks to. Without --server it is the one
// that runs on this machine with the same data directory.
type remote struct {
	Server  string `help:"URL of the gateway; absent: the one that runs here with this data directory." env:"DISPATCHAPY_SERVER" placeholder:"URL"`
	Token   string `help:"Management API token." env:"DISPATCHAPY_TOKEN,DISPATCHAPY_ADMIN_TOKEN" placeholder:"TOKEN"`
	DataDir string `help:"Data directory of the gateway on this machine." default:"./data" env:"DISPATCHAPY_DATA_DIR" type:"path"`
}

// errNotRunning means that no gateway runs with the data directory.
var errNotRunning = errors.New("no gateway is running")

// connect gives a client of the gateway's REST API.
func (r *remote) connect() (*apiClient, error) {
	if r.Server != "" {
		if r.Token == "" {
			return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--token: needed with --server (or set DISPATCHAPY_TOKEN)")
		}
		base, err := serverURL(r.Server)
		return &apiClient{base: base, token: r.Token}, err
	}
	control, err := app.ReadControl(r.DataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w with the data directory %s: start it with dispatchapy serve, or give --server and --token", errNotRunning, r.DataDir)
	}
	if err != nil {
		return nil, err
	}
	return &apiClient{base: control.URL, token: control.Token, local: true}, nil
}

// serverURL checks the value of --server.
func serverURL(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", dispatchapy.Errorf(dispatchapy.CodeInvalid, "--server: %q is not a URL like http://gateway.example.com:8000", server)
	}
	return strings.TrimRight(server, "/"), nil
}

// apiClient calls the management API.
type apiClient struct {
	base, token string
	local       bool // found by the control file
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

// call makes a request without a body and decodes the answer's JSON into out,
// which may be nil. A problem document becomes a *dispatchapy.Error.
func (c *apiClient) call(ctx context.Context, method, path string, out any) error {
	data, err := c.do(ctx, method, path, "", "application/json", nil)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(data, out)
}

func (c *apiClient) do(ctx context.Context, method, path, contentType, accept string, body []byte) ([]byte, error) {
	header := http.Header{"Accept": {accept}}
	if len(body) > 0 {
		header.Set("Content-Type", contentType)
	}
	return c.send(ctx, method, path, header, body)
}

// ofBody stands for the version that a body names itself, or for none.
const ofBody = -1

// doMatching makes a request about the given version of an object, or ofBody.
func (c *apiClient) doMatching(ctx context.Context, method, path string, version int64, body []byte) ([]byte, error) {
	header := http.Header{"Accept": {"application/json"}}
	if version != ofBody {
		header.Set("If-Match", fmt.Sprintf(`"%d"`, version))
	}
	if len(body) > 0 {
		header.Set("Content-Type", "application/json")
	}
	return c.send(ctx, method, path, header, body)
}

func (c *apiClient) send(ctx context.Context, method, path string, header http.Header, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	req.Header.Set("Authorization", "Bearer "+c.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		if c.local {
			return nil, fmt.Errorf("%w: %w", errNotRunning, err)
		}
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		return nil, problem(res.Status, data)
	}
	return data, nil
}

// problem reads a problem document.
func problem(status string, data []byte) error {
	var p struct {
		Detail string                   `json:"detail"`
		Code   dispatchapy.Code         `json:"code"`
		Fields []dispatchapy.FieldError `json:"fields"`
	}
	if err := json.Unmarshal(data, &p); err != nil || p.Detail == "" {
		return fmt.Errorf("the gateway answered %s: %s", status, excerpt(data))
	}
	return &dispatchapy.Error{Code: p.Code, Message: p.Detail, Fields: p.Fields}
}

func excerpt(data []byte) string {
	const most = 200
	return string(bytes.TrimSpace(data[:min(len(data), most)]))
}
