package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/transform"
)

// maxPayload is how many bytes a payload may have when it is filled in.
const maxPayload = 256 << 10

// usualPayload is what a webhook sends that has no payload of its own.
type usualPayload struct {
	Title    string       `json:"title"`
	Text     string       `json:"text"`
	Status   string       `json:"status"`
	Severity string       `json:"severity"`
	Count    int          `json:"count"`
	Gateway  string       `json:"gateway"`
	Link     string       `json:"link"`
	Events   []usualEvent `json:"events"` // of each incident the latest
	Test     bool         `json:"test,omitempty"`
}

type usualEvent struct {
	Event    string  `json:"event"`
	Title    string  `json:"title"`
	Status   string  `json:"status"`
	Severity string  `json:"severity"`
	At       string  `json:"datetime"`
	Reason   string  `json:"reason"`
	Resource *string `json:"resource"`
	Address  *string `json:"resource_endpoint"`
	Endpoint *string `json:"endpoint"`
	Incident *int64  `json:"incident_id"`
	Task     *int64  `json:"task_id"`
	Since    *string `json:"since"`
	Downtime *string `json:"downtime"`
	Link     string  `json:"link"`
}

// payload words what there is to say as a webhook's body.
func (t *telling) payload(n *dispatchapy.WebhookNotice) ([]byte, error) {
	if len(n.Payload) == 0 || t.isOver() && !tells(string(n.Payload)) {
		return t.usual()
	}
	v := t.all()
	if t.test && v["resource_name"] != "" {
		v["resource_name"] = "TEST " + v["resource_name"]
	}
	if len(n.Payload) > dispatchapy.MaxNoticeText {
		return nil, fmt.Errorf("the payload has more than %d bytes", dispatchapy.MaxNoticeText)
	}
	known := func(name string) (string, bool) {
		if value, known := v[name]; known {
			return value, true
		}
		return secretOf(n, name)
	}
	// A key of the payload may hold placeholders, but not for other keys: they
	// could ask for each other without end.
	own := ownKeys(n.Payload)
	for name, value := range own {
		own[name], _ = fill(value, maxPayload, known)
	}
	left, whole := maxPayload, true
	body, err := transform.MapStrings(n.Payload, func(s string) string {
		s, all := fill(s, left, func(name string) (string, bool) {
			if value, known := known(name); known {
				return value, true
			}
			value, known := own[name]
			return value, known
		})
		left, whole = max(left-len(s), 0), whole && all
		return s
	})
	if err != nil {
		return nil, errors.New("the payload is not valid JSON")
	}
	if !whole || len(body) > maxPayload {
		return nil, fmt.Errorf("the payload has more than %d bytes when it is filled in", maxPayload)
	}
	return body, nil
}

// secretOf gives the value of a placeholder {secret:NAME}.
func secretOf(n *dispatchapy.WebhookNotice, name string) (string, bool) {
	name, found := strings.CutPrefix(name, "secret:")
	value, given := n.Secrets[name]
	return value.Reveal(), found && given
}

// ownKeys gives the keys of a payload with their values as text.
func ownKeys(payload []byte) map[string]string {
	var object map[string]json.RawMessage
	if json.Unmarshal(payload, &object) != nil {
		return nil
	}
	out := make(map[string]string, len(object))
	for key, raw := range object {
		var text *string
		if json.Unmarshal(raw, &text) == nil && text != nil {
			out[key] = *text
		} else {
			out[key] = string(raw)
		}
	}
	return out
}

func (t *telling) usual() ([]byte, error) {
	v := t.all()
	p := usualPayload{
		Title: v["title"], Text: v["text"], Status: v["status"], Severity: v["severity"], Count: t.count(),
		Gateway: t.gateway, Link: v["link"], Test: t.test, Events: make([]usualEvent, len(t.matters)),
	}
	for i := range t.matters {
		m := &t.matters[i]
		v := t.of(m)
		p.Events[i] = usualEvent{
			Event: v["event"], Title: v["title"], Status: v["status"], Severity: v["severity"], At: v["datetime"], Reason: v["reason"],
			Resource: optional(m.Resource), Address: optional(v["resource_endpoint"]), Endpoint: optional(m.Endpoint),
			Incident: optional(m.IncidentID), Task: optional(m.TaskID), Link: v["link"],
		}
		if !m.OpenedAt.IsZero() {
			p.Events[i].Since, p.Events[i].Downtime = optional(m.OpenedAt.UTC().Format(time.RFC3339)), optional(v["downtime"])
		}
	}
	return json.Marshal(p)
}

func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// target makes where a webhook goes.
func target(n *dispatchapy.WebhookNotice) *deliver.Target {
	t := &deliver.Target{Method: n.Method, Timeout: n.Timeout.Std(), Header: make(http.Header, len(n.Headers)+3)}
	t.URL, _ = fill(n.URL, maxPayload, func(name string) (string, bool) { return secretOf(n, name) })
	for name, value := range n.Headers {
		t.Header.Set(name, value.Reveal())
	}
	return t
}

// sign adds the headers of the Standard Webhooks specification: the id, when it
// is sent, and, with a key, an HMAC-SHA256 of both and the body.
func sign(h http.Header, key []byte, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", timestamp)
	if len(key) == 0 {
		return
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, timestamp)
	mac.Write(body)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
