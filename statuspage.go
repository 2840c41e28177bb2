package dispatchapy

import "strings"

// StatusPage says what people without an account may see of how endpoints do,
// and who of them.
type StatusPage struct {
	Enabled bool   `json:"enabled"`
	Title   string `json:"title,omitempty"` // "": that of the gateway

	// Public lets everybody in. Otherwise Token is asked for: whoever has it is
	// let in.
	Public bool   `json:"public"`
	Token  Secret `json:"token,omitempty"`

	Endpoints []StatusEndpoint `json:"endpoints,omitempty"` // in the order in which they are shown

	// Resources shows the names of the endpoints' resources, and how they do.
	Resources bool `json:"resources"`
}

// StatusEndpoint is an endpoint on the status page.
type StatusEndpoint struct {
	Path string `json:"path"`
	Name string `json:"name,omitempty"` // what visitors read; "": the path
}

// Bounds of a status page.
const (
	MaxStatusEndpoints   = 50
	MinStatusTokenLength = 16
)

func (p *StatusPage) normalize() {
	p.Title = strings.TrimSpace(p.Title)
	for i := range p.Endpoints {
		e := &p.Endpoints[i]
		e.Path, e.Name = CleanPath(e.Path), strings.TrimSpace(e.Name)
	}
}

func (p *StatusPage) validate(at place) {
	if p.Title != "" {
		at.field("title").name(p.Title)
	}
	token := at.field("token")
	switch n := len(p.Token.Reveal()); {
	case p.Token.Masked():
		token.fault(notMasked)
	case p.Token == "":
		token.check(!p.Enabled || p.Public, "is missing: give one, or let everybody in with public")
	default:
		token.check(n >= MinStatusTokenLength && n <= MaxTokenLength, "must have between %d and %d characters", MinStatusTokenLength, MaxTokenLength)
		token.check(!strings.ContainsFunc(p.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }), "must be printable ASCII without spaces")
	}
	at.field("endpoints").check(len(p.Endpoints) <= MaxStatusEndpoints, "must have at most %d entries", MaxStatusEndpoints)
	seen := make(map[string]bool, len(p.Endpoints))
	for i, e := range p.Endpoints {
		one := at.item("endpoints", i)
		one.field("path").check(at.v.endpoints[e.Path], "there is no endpoint %q", e.Path)
		one.field("path").check(!seen[e.Path], "%q is repeated", e.Path)
		seen[e.Path] = true
		if e.Name != "" {
			one.field("name").name(e.Name)
		}
	}
}
