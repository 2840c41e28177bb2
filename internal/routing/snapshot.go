// Package routing holds the compiled configuration and the view of which
// resources can be used right now. The hot path reads nothing else.
package routing

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/transform"
)

// Snapshot is one version of the configuration, compiled: names resolved to
// pointers, mappings and rules to programs. It is immutable; whoever works on
// a task takes one and keeps it to the end of the round.
type Snapshot struct {
	Config    *dispatchapy.Config
	Endpoints []*Endpoint
	Resources []*Resource
	Clients   []*Client

	endpointByPath map[string]*Endpoint
	endpointByID   map[int64]*Endpoint
	resourceByID   map[int64]*Resource
	clientByID     map[int64]*Client
	clientByToken  map[dispatchapy.TokenHash]tokenUse
}

// Endpoint is an endpoint with its failover order resolved.
type Endpoint struct {
	*dispatchapy.Endpoint
	Routes      []Route // in failover order
	Retry       dispatchapy.RetryPolicy
	MaxAttempts int
	DevRules    *transform.Rules // nil unless development mode runs them

	clients map[int64]bool
}

// Route leads from an endpoint to one of its resources.
type Route struct {
	Resource *Resource
	Mapping  *transform.Mapping
}

// Resource is a resource with its requests prepared.
type Resource struct {
	*dispatchapy.Resource
	Target deliver.Target
	phase  atomic.Pointer[phase]
}

// tokenUse is what a token opens, and for how long.
type tokenUse struct {
	client *Client
	until  time.Time // zero: until it is replaced
}

// Client is a client with its development rules compiled.
type Client struct {
	*dispatchapy.Client
	rules map[int64]*transform.Rules // by endpoint; nil unless switched on
}

// Compile turns a normalised and valid configuration into a snapshot. What
// only compiling can find (a template with an unclosed brace) comes back as a
// *dispatchapy.Error with the fields at fault.
func Compile(cfg *dispatchapy.Config) (*Snapshot, error) {
	s := &Snapshot{
		Config:         cfg,
		endpointByPath: make(map[string]*Endpoint, len(cfg.Endpoints)),
		endpointByID:   make(map[int64]*Endpoint, len(cfg.Endpoints)),
		resourceByID:   make(map[int64]*Resource, len(cfg.Resources)),
		clientByID:     make(map[int64]*Client, len(cfg.Clients)),
		clientByToken:  make(map[dispatchapy.TokenHash]tokenUse, len(cfg.Clients)),
	}
	resources := make(map[string]*Resource, len(cfg.Resources))
	for i := range cfg.Resources {
		r := &Resource{Resource: &cfg.Resources[i], Target: deliver.NewTarget(&cfg.Resources[i])}
		s.Resources = append(s.Resources, r)
		resources[r.Name] = r
		s.resourceByID[r.ID] = r
	}
	var faults []dispatchapy.FieldError
	for i := range cfg.Endpoints {
		e, fields := compileEndpoint(&cfg.Endpoints[i], &cfg.Settings, resources)
		for _, f := range fields {
			f.Path = fmt.Sprintf("endpoints[%d].%s", i, f.Path)
			faults = append(faults, f)
		}
		s.Endpoints = append(s.Endpoints, e)
		s.endpointByPath[e.Path] = e
		s.endpointByID[e.ID] = e
	}
	for i := range cfg.Clients {
		for _, f := range ruleFaults(cfg.Clients[i].Dev.Rules) {
			f.Path = fmt.Sprintf("clients[%d].%s", i, f.Path)
			faults = append(faults, f)
		}
		if err := s.addClient(&cfg.Clients[i]); err != nil {
			faults = append(faults, dispatchapy.FieldError{Path: fmt.Sprintf("clients[%d]", i), Message: err.Error()})
		}
	}
	if len(faults) > 0 {
		return nil, &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "the configuration is not valid", Fields: faults}
	}
	return s, nil
}

func compileEndpoint(e *dispatchapy.Endpoint, settings *dispatchapy.Settings, resources map[string]*Resource) (*Endpoint, []dispatchapy.FieldError) {
	faults := ruleFaults(e.Dev.Rules)
	out := &Endpoint{Endpoint: e, clients: map[int64]bool{}}
	out.Retry, out.MaxAttempts = settings.RetryFor(e.Retry)
	if e.Dev.Enabled && e.Dev.RulesEnabled {
		out.DevRules = transform.CompileRules(e.Dev.Rules)
	}
	for i, name := range e.Resources {
		r := resources[name]
		if r == nil {
			faults = append(faults, dispatchapy.FieldError{Path: fmt.Sprintf("resources[%d]", i), Message: fmt.Sprintf("there is no resource %q", name)})
			continue
		}
		mapping, fields := transform.CompileMapping(e.Mapping[name])
		for _, f := range fields {
			f.Path = fmt.Sprintf("mapping.%s.%s", name, f.Path)
			faults = append(faults, f)
		}
		out.Routes = append(out.Routes, Route{Resource: r, Mapping: mapping})
	}
	return out, faults
}

func ruleFaults(rules []dispatchapy.Rule) []dispatchapy.FieldError {
	var faults []dispatchapy.FieldError
	for i := range rules {
		problems, _ := transform.CheckRule(rules[i])
		for _, f := range problems {
			f.Path = fmt.Sprintf("dev.rules[%d].%s", i, f.Path)
			faults = append(faults, f)
		}
	}
	return faults
}

// Warnings lists what a valid configuration allows but is probably not meant.
func Warnings(cfg *dispatchapy.Config) []dispatchapy.FieldError {
	var warnings []dispatchapy.FieldError
	warn := func(kind string, i int, rules []dispatchapy.Rule) {
		for j := range rules {
			_, found := transform.CheckRule(rules[j])
			for _, f := range found {
				f.Path = fmt.Sprintf("%s[%d].dev.rules[%d].%s", kind, i, j, f.Path)
				warnings = append(warnings, f)
			}
		}
	}
	for i := range cfg.Endpoints {
		warn("endpoints", i, cfg.Endpoints[i].Dev.Rules)
	}
	for i := range cfg.Clients {
		warn("clients", i, cfg.Clients[i].Dev.Rules)
	}
	return warnings
}

func (s *Snapshot) addClient(c *dispatchapy.Client) error {
	client := &Client{Client: c}
	var rules *transform.Rules
	if c.Dev.RulesEnabled {
		rules = transform.CompileRules(c.Dev.Rules)
		client.rules = make(map[int64]*transform.Rules, len(c.Endpoints))
	}
	for _, path := range c.Endpoints {
		e := s.endpointByPath[path]
		if e == nil {
			return fmt.Errorf("there is no endpoint %q", path)
		}
		e.clients[c.ID] = true
		if rules != nil {
			client.rules[e.ID] = rules.For(path)
		}
	}
	s.Clients = append(s.Clients, client)
	s.clientByID[c.ID] = client
	if c.TokenHash == "" {
		return nil // cannot sign in; everything else works
	}
	if err := s.addToken(c.TokenHash, tokenUse{client: client}); err != nil {
		return err
	}
	for _, old := range c.OldTokens {
		if err := s.addToken(old.Hash, tokenUse{client, old.Until}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Snapshot) addToken(text string, use tokenUse) error {
	hash, err := dispatchapy.ParseTokenHash(text)
	if err != nil {
		return err
	}
	if s.clientByToken[hash].client != nil {
		return errors.New("has the same token as another client")
	}
	s.clientByToken[hash] = use
	return nil
}

// Endpoint finds an endpoint, active or not, by its path; nil if there is none.
func (s *Snapshot) Endpoint(path string) *Endpoint { return s.endpointByPath[path] }

// EndpointByID finds an endpoint by id; nil if there is none (any more).
func (s *Snapshot) EndpointByID(id int64) *Endpoint { return s.endpointByID[id] }

// ResourceByID finds a resource by id; nil if there is none (any more).
func (s *Snapshot) ResourceByID(id int64) *Resource { return s.resourceByID[id] }

// ClientByID finds a client by id; nil if there is none (any more).
func (s *Snapshot) ClientByID(id int64) *Client { return s.clientByID[id] }

// ClientByToken finds the client whose token has this hash at a time; nil if
// there is none, or if the token was replaced and its time is over.
func (s *Snapshot) ClientByToken(h dispatchapy.TokenHash, at time.Time) *Client {
	use := s.clientByToken[h]
	if !use.until.IsZero() && !at.Before(use.until) {
		return nil
	}
	return use.client
}

// Allows reports whether the client is linked to the endpoint.
func (e *Endpoint) Allows(c *Client) bool { return c != nil && e.clients[c.ID] }

// HoldReason says, for the task's log, why a task of this client is held here;
// "" if it is not.
func (e *Endpoint) HoldReason(c *Client) string {
	switch {
	case c != nil && c.Dev.Hold:
		return fmt.Sprintf("held: client %s holds its tasks", c.Name)
	case e.Dev.Enabled && e.Dev.Hold:
		return fmt.Sprintf("held: endpoint %s is in development mode and holds its tasks", e.Path)
	}
	return ""
}

// DevRules gives the client's override rules at an endpoint; nil if it has
// none there. It may be called on a nil client.
func (c *Client) DevRules(e *Endpoint) *transform.Rules {
	if c == nil {
		return nil
	}
	return c.rules[e.ID]
}

// Table holds the current snapshot. Readers never wait.
type Table struct{ current atomic.Pointer[Snapshot] }

// NewTable makes a table that holds s.
func NewTable(s *Snapshot) *Table {
	t := &Table{}
	t.current.Store(s)
	return t
}

// Load gives the current snapshot.
func (t *Table) Load() *Snapshot { return t.current.Load() }

// Store replaces the current snapshot.
func (t *Table) Store(s *Snapshot) { t.current.Store(s) }
