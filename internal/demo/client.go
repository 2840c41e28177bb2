package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// client talks to the gateway as the application and as its operator.
type client struct {
	http    *http.Client
	gateway Gateway
	token   string // of the application
}

func newClient(g Gateway, token string) *client {
	return &client{
		http:    &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2}, Timeout: 10 * time.Second},
		gateway: g, token: token,
	}
}

// script is what the application sends, over and over.
var script = []struct{ endpoint, message, severity string }{
	{endpoint: "send_sms", message: "Your verification code is 482 913"},
	{endpoint: "send_sms", message: "Order 1042 has left the warehouse"},
	{endpoint: "alert", message: "Disk of db-2 is 91 % full", severity: "warning"},
	{endpoint: "send_sms", message: "Your appointment is tomorrow at 10:30"},
	{endpoint: "report", message: "Backup finished in 41 minutes"},
	{endpoint: "send_sms", message: "Your table for four is confirmed"},
	{endpoint: "alert", message: "Checkout answers slowly", severity: "critical"},
	{endpoint: "send_sms", message: "Parcel 88-17 is waiting for you"},
}

// send posts the nth message of the script.
func (c *client) send(ctx context.Context, n int) error {
	line := script[n%len(script)]
	body := map[string]string{
		"ref": fmt.Sprintf("demo-%d", n+1), "scope": "demo", "message": line.message,
	}
	if line.severity != "" {
		body["severity"] = line.severity
	}
	if line.endpoint == "send_sms" {
		body["phone"] = fmt.Sprintf("+62812%07d", 1000000+n)
	}
	payload, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.gateway.URL+"/api/"+line.endpoint, bytes.NewReader(payload))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-Token", c.token)
	_, err = c.do(req)
	return err
}

// get reads JSON from the management API.
func (c *client) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.gateway.URL+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.gateway.AdminToken)
	body, err := c.do(req)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}

var errNotFound = errors.New("not found")

// do makes the request and gives the body of a 200.
func (c *client) do(req *http.Request) ([]byte, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if resp.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, errNotFound)
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, resp.Status, body)
	}
	return body, err
}
