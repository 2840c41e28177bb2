// Package dispatchapy is the domain of the gateway: its nouns, the state
// machine of a task, and the rules that a configuration must keep. It depends
// on nothing but the standard library and does no input or output.
package dispatchapy

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Config is the whole business configuration, the graph that is validated,
// compiled and replaced as one. Objects refer to each other by name; names are
// unique per kind. Encoded as JSON it is the body of a gateway file.
type Config struct {
	Version   int64      `json:"-"` // counts the changes; 0 before the first
	Settings  Settings   `json:"settings"`
	Resources []Resource `json:"resources"`
	Endpoints []Endpoint `json:"endpoints"`
	Clients   []Client   `json:"clients"`
}

// Defaults of single objects.
const (
	DefaultTimeout   = 15 * time.Second
	DefaultMaxBody   = 1 << 20
	MaxMaxBody       = 64 << 20
	DefaultSMTPPort  = 587
	DefaultAfterDays = 30
)

// Resource finds a resource by name, or nil.
func (c *Config) Resource(name string) *Resource {
	return find(c.Resources, func(r *Resource) bool { return r.Name == name })
}

// Endpoint finds an endpoint by path, or nil.
func (c *Config) Endpoint(path string) *Endpoint {
	return find(c.Endpoints, func(e *Endpoint) bool { return e.Path == path })
}

// Client finds a client by name, or nil.
func (c *Config) Client(name string) *Client {
	return find(c.Clients, func(cl *Client) bool { return cl.Name == name })
}

func find[T any](items []T, is func(*T) bool) *T {
	for i := range items {
		if is(&items[i]) {
			return &items[i]
		}
	}
	return nil
}

// Normalize brings the graph into its one canonical form: defaults filled in,
// paths cleaned, endpoints' order kept, everything else sorted by name. Two
// configurations that mean the same are equal after it.
func (c *Config) Normalize() {
	for i := range c.Resources {
		c.Resources[i].Normalize()
	}
	for i := range c.Endpoints {
		c.Endpoints[i].Normalize()
	}
	for i := range c.Clients {
		c.Clients[i].Normalize()
	}
	c.Settings.Normalize()
	c.Sort()
}

// Sort brings the objects into the order of their names.
func (c *Config) Sort() {
	slices.SortStableFunc(c.Resources, func(a, b Resource) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(c.Endpoints, func(a, b Endpoint) int { return strings.Compare(a.Path, b.Path) })
	slices.SortStableFunc(c.Clients, func(a, b Client) int { return strings.Compare(a.Name, b.Name) })
}

// Normalize brings the settings into their canonical form.
func (s *Settings) Normalize() {
	if smtp := s.SMTP; smtp != nil {
		setDefault(&smtp.Port, DefaultSMTPPort)
		setDefault(&smtp.Encryption, EncryptionSTARTTLS)
	}
	setDefault(&s.Cleanup.AfterDays, DefaultAfterDays)
	s.Alerts.Normalize()
	s.StatusPage.normalize()
}

// Normalize brings the resource into its canonical form.
func (r *Resource) Normalize() {
	r.Name = strings.TrimSpace(r.Name)
	r.URL = strings.TrimSpace(r.URL)
	r.Method = strings.ToUpper(r.Method)
	setDefault(&r.Method, http.MethodPost)
	setDefault(&r.Timeout, Duration(DefaultTimeout))
	r.Active = normalSwitch(r.Active)
	if l := r.RateLimit; l != nil {
		setDefault(&l.Per, Duration(time.Second))
		setDefault(&l.Burst, 1)
	}
	h := &r.HealthCheck
	setDefault(&h.Method, CheckSimple)
	setDefault(&h.Interval, DurationRange{Min: Duration(60 * time.Second), Max: Duration(90 * time.Second)})
	setDefault(&h.DownAfter, 1)
	setDefault(&h.UpAfter, 1)
	setDefault(&h.Flap.Changes, 5)
	setDefault(&h.Flap.Within, Duration(10*time.Minute))
	if r.Notify != nil {
		r.Notify.normalize()
	}
	for i := range r.Maintenance {
		r.Maintenance[i].normalize()
	}
	if r.Alerts != nil {
		r.Alerts.CertificateExpiring.normalize()
	}
}

// Normalize brings the endpoint into its canonical form.
func (e *Endpoint) Normalize() {
	e.Path = CleanPath(e.Path)
	e.Active = normalSwitch(e.Active)
	setDefault(&e.MaxBody, DefaultMaxBody)
	e.RequiredParams = withoutDuplicates(append([]string{"ref", "scope"}, e.RequiredParams...))
	normalizeRules(e.Dev.Rules)
}

// Normalize brings the client into its canonical form. A token gets its hash.
func (c *Client) Normalize() {
	c.Name = strings.TrimSpace(c.Name)
	for i, path := range c.Endpoints {
		c.Endpoints[i] = CleanPath(path)
	}
	slices.Sort(c.Endpoints)
	c.Endpoints = slices.Compact(c.Endpoints)
	normalizeRules(c.Dev.Rules)
	c.TokenHash = strings.ToLower(c.TokenHash)
	if c.Token != "" {
		c.TokenHash = HashToken(c.Token.Reveal()).String()
	}
}

func normalizeRules(rules []Rule) {
	for i := range rules {
		rules[i].Active = normalSwitch(rules[i].Active)
		if rules[i].Endpoint != "" {
			rules[i].Endpoint = CleanPath(rules[i].Endpoint)
		}
	}
}

// normalSwitch gives a switch of its own, so that no two objects share one.
func normalSwitch(b *bool) *bool {
	on := isOn(b)
	return &on
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func withoutDuplicates(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// CleanPath brings an endpoint path into its stored form: no slash or white
// space at either end, underscores for spaces.
func CleanPath(path string) string {
	trimmed := strings.TrimFunc(path, func(r rune) bool { return r == '/' || unicode.IsSpace(r) })
	return strings.ReplaceAll(trimmed, " ", "_")
}
