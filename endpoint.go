package dispatchapy

import (
	"encoding/json"
	"time"
)

// Endpoint is a route of the gateway, POST /api/{Path}: what it demands of a
// payload, to which resources it goes in which order, and how it is shaped for
// each of them. Resources are named by Resource.Name.
type Endpoint struct {
	ID      int64 `json:"-"` // 0 until stored; never reused
	Version int64 `json:"-"` // of the configuration that changed it last

	Path           string   `json:"path"`
	Description    string   `json:"description,omitempty"`
	Active         *bool    `json:"active,omitempty"`          // default true
	RequiredParams []string `json:"required_params,omitempty"` // keys demanded besides ref and scope
	MaxBody        int64    `json:"max_body,omitempty"`        // bytes, default 1 MiB

	Resources []string           `json:"resources,omitempty"` // failover order
	Mapping   map[string]Mapping `json:"mapping,omitempty"`   // by resource name

	Retry  *RetryOverride  `json:"retry,omitempty"`
	Alerts *EndpointAlerts `json:"alerts,omitempty"`
	Dev    EndpointDev     `json:"dev,omitzero"`
}

// Mapping builds the payload for one resource: target key (dots nest) to the
// source of its value.
type Mapping map[string]Source

// Source says where the value of a target key comes from: exactly one of From,
// UUID, Value, Template and Now.
type Source struct {
	From     string          `json:"from,omitempty"`     // key, or dotted path, in the incoming payload
	UUID     bool            `json:"uuid,omitempty"`     // a random UUID, the same on every attempt of a task at a resource
	Value    json.RawMessage `json:"value,omitempty"`    // a constant, any JSON
	Template string          `json:"template,omitempty"` // text with {{path}} placeholders
	Now      bool            `json:"now,omitempty"`      // time of the attempt, RFC 3339 in UTC

	Default json.RawMessage `json:"default,omitempty"` // used where the source is absent or null
	Type    string          `json:"type,omitempty"`    // cast: one of ValueTypes
}

// ValueTypes are the casts a Source can ask for.
var ValueTypes = []string{"string", "number", "integer", "boolean", "json"}

// EndpointDev is an endpoint's development mode. Hold and the rules only work
// while Enabled.
type EndpointDev struct {
	Enabled      bool   `json:"enabled"`
	Hold         bool   `json:"hold"`
	RulesEnabled bool   `json:"rules_enabled"`
	Rules        []Rule `json:"rules,omitempty"`
}

// ClientDev is a client's development switches.
type ClientDev struct {
	Hold         bool   `json:"hold"`
	RulesEnabled bool   `json:"rules_enabled"`
	Rules        []Rule `json:"rules,omitempty"`
}

// Rule overrides one key of the payload before it is mapped.
type Rule struct {
	Endpoint string     `json:"endpoint,omitempty"` // client rules only: the endpoint it is limited to
	Active   *bool      `json:"active,omitempty"`   // default true
	If       *Condition `json:"if,omitempty"`       // nil: always
	Set      Override   `json:"set"`
}

// Condition holds when the payload has the key Param and, if Matches is given,
// when that regular expression (RE2) is found in the text form of its value.
type Condition struct {
	Param   string `json:"param"`
	Matches string `json:"matches,omitempty"`
}

// Override is the key to replace and its new value.
type Override struct {
	Param string          `json:"param"`
	Value json.RawMessage `json:"value"`
}

// IsActive reports whether the endpoint is switched on.
func (e *Endpoint) IsActive() bool { return isOn(e.Active) }

// IsActive reports whether the rule is switched on.
func (r *Rule) IsActive() bool { return isOn(r.Active) }

// Client is an application that may post to some endpoints, named by path.
type Client struct {
	ID      int64 `json:"-"` // 0 until stored; never reused
	Version int64 `json:"-"` // of the configuration that changed it last

	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Token       Secret    `json:"token,omitempty"`      // input only: never stored
	TokenHash   string    `json:"token_hash,omitempty"` // hexadecimal SHA-256 of the token
	Endpoints   []string  `json:"endpoints,omitempty"`
	Dev         ClientDev `json:"dev,omitzero"`

	// ShowProviderBodies lets the client read what its tasks exchanged with
	// providers: requests, answers and errors with addresses in them.
	ShowProviderBodies bool `json:"show_provider_bodies,omitempty"`

	// MayRotateToken lets the client give itself a new token.
	MayRotateToken bool `json:"may_rotate_token,omitempty"`

	// OldTokens still open the gateway for a while after the token was changed.
	OldTokens []OldToken `json:"old_tokens,omitempty"`
}

// OldToken is a token that was replaced and works until its time is over.
type OldToken struct {
	Hash  string    `json:"hash"`  // hexadecimal SHA-256
	Until time.Time `json:"until"` // whole seconds, UTC
}
