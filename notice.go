package dispatchapy

import (
	"encoding/json"
	"net/http"
	"time"
)

// Notify says who is told when a resource goes down, and when it is up again.
type Notify struct {
	Email   *EmailNotice   `json:"email,omitempty"`
	Webhook *WebhookNotice `json:"webhook,omitempty"`
}

// EmailNotice is a templated email. Subject and Body may contain Placeholders;
// "" is the usual text.
type EmailNotice struct {
	Enabled *bool    `json:"enabled,omitempty"` // default true
	To      []string `json:"to,omitempty"`
	Subject string   `json:"subject,omitempty"`
	Body    string   `json:"body,omitempty"`
}

// WebhookNotice is a templated HTTP request. The strings of Payload may contain
// Placeholders, at any depth, and its own keys; an empty one is the usual
// payload.
type WebhookNotice struct {
	Enabled *bool             `json:"enabled,omitempty"` // default true
	URL     string            `json:"url,omitempty"`
	Method  string            `json:"method,omitempty"` // POST, PUT or PATCH; default POST
	Headers map[string]Secret `json:"headers,omitempty"`
	Payload json.RawMessage   `json:"payload,omitempty"`
	Timeout Duration          `json:"timeout,omitempty"` // for one attempt, default 10s
	Retries *int              `json:"retries,omitempty"` // after the first attempt; nil: for a day

	// Secrets are values for {secret:NAME} in URL and Payload.
	Secrets map[string]Secret `json:"secrets,omitempty"`
	// SigningSecret, whsec_ and base64, signs requests as Standard Webhooks has
	// it; "": they are not signed.
	SigningSecret Secret `json:"signing_secret,omitempty"`
}

// Channel is a way to reach people: one of an email and a webhook.
type Channel struct {
	Name    string         `json:"name"`
	Email   *EmailNotice   `json:"email,omitempty"`
	Webhook *WebhookNotice `json:"webhook,omitempty"`

	GroupBy  GroupBy      `json:"group_by,omitempty"`  // default channel for an email, incident for a webhook
	GroupFor Duration     `json:"group_for,omitempty"` // how long the first event waits for others, default 10s
	Quiet    []QuietHours `json:"quiet,omitempty"`
}

// GroupBy says what is told in one message, where it comes at about the same
// time.
type GroupBy string

// What can be in one message.
const (
	GroupByChannel  GroupBy = "channel"  // everything
	GroupByIncident GroupBy = "incident" // what is of the same incident
)

// QuietHours is a time in which a channel keeps what it has to say until the
// end of it.
type QuietHours struct {
	Days         []Weekday `json:"days,omitempty"`          // on which it begins; none: every day
	From         string    `json:"from"`                    // time of day, like 22:00
	Until        string    `json:"until"`                   // time of day; not after From: of the next day
	Timezone     string    `json:"timezone,omitempty"`      // like Asia/Jakarta; default UTC
	HoldCritical bool      `json:"hold_critical,omitempty"` // what is critical waits, too
}

// Weekday is a day of the week: mon, tue, wed, thu, fri, sat or sun.
type Weekday string

// Weekdays are the days of the week.
var Weekdays = []Weekday{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// Placeholders are what texts of notices may contain, written in braces.
// {secret:NAME} and the payload's own keys come in addition, in webhooks.
var Placeholders = []string{
	"title", "text", "event", "status", "action", "severity", "reason", "since", "downtime", "count",
	"resource_name", "resource_endpoint", "endpoint", "incident_id", "task_id",
	"datetime", "timestamp_utc", "link", "gateway", "key",
}

// Bounds of notices.
const (
	DefaultGroupFor = 10 * time.Second
	MaxGroupFor     = time.Hour

	DefaultWebhookTimeout = 10 * time.Second
	MaxWebhookTimeout     = time.Minute
	MaxWebhookRetries     = 200

	MaxRecipients   = 100
	MaxQuiet        = 20
	MaxNoticeText   = 64 << 10 // bytes of a body or payload, before it is filled in
	maxNoticeSecret = 4096
)

// NoticeMethods are the HTTP methods of webhooks.
var NoticeMethods = []string{http.MethodPost, http.MethodPut, http.MethodPatch}

// IsEnabled reports whether the notice is switched on.
func (n *EmailNotice) IsEnabled() bool { return n != nil && isOn(n.Enabled) }

// IsEnabled reports whether the notice is switched on.
func (n *WebhookNotice) IsEnabled() bool { return n != nil && isOn(n.Enabled) }

// Channel gives a resource's own notice as what it is: a channel about nothing
// but that resource.
func (n *Notify) Channel(via Via) Channel {
	var c Channel
	if n == nil {
		return c
	}
	// What is in force is shared and stays as it is: defaults go into a copy.
	if via == ViaEmail && n.Email != nil {
		c.Email = new(*n.Email)
	}
	if via != ViaEmail && n.Webhook != nil {
		c.Webhook = new(*n.Webhook)
	}
	c.normalize()
	return c
}

// Via gives how a channel reaches people.
func (c *Channel) Via() Via {
	if c.Webhook != nil {
		return ViaWebhook
	}
	return ViaEmail
}

// IsEnabled reports whether anything is sent through the channel.
func (c *Channel) IsEnabled() bool { return c.Email.IsEnabled() || c.Webhook.IsEnabled() }

func (n *Notify) normalize() {
	n.Email.normalize()
	n.Webhook.normalize()
}

func (n *EmailNotice) normalize() {
	if n != nil {
		n.Enabled = normalSwitch(n.Enabled)
	}
}

func (n *WebhookNotice) normalize() {
	if n == nil {
		return
	}
	n.Enabled = normalSwitch(n.Enabled)
	setDefault(&n.Method, http.MethodPost)
	setDefault(&n.Timeout, Duration(DefaultWebhookTimeout))
}

func (c *Channel) normalize() {
	c.Email.normalize()
	c.Webhook.normalize()
	group := GroupByChannel
	if c.Webhook != nil {
		group = GroupByIncident
	}
	setDefault(&c.GroupBy, group)
	setDefault(&c.GroupFor, Duration(DefaultGroupFor))
	for i := range c.Quiet {
		setDefault(&c.Quiet[i].Timezone, "UTC")
	}
}
