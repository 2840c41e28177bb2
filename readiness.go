package dispatchapy

import "strings"

// What Readiness says of an endpoint, besides "Rules incomplete for 'NAME'".
// The words are part of the contract.
const (
	ReadinessReady          = "Ready"
	ReadinessMissingClients = "Missing clients"
	ReadinessNoResources    = "No resources"
)

// Readiness says in words whether messages posted to e can be delivered, and
// if not, what is missing first. To ask about many endpoints, ask a
// ReadinessIndex instead.
func (c *Config) Readiness(e *Endpoint) string {
	return c.ReadinessIndex().Of(e)
}

// ReadinessIndex answers the question of Config.Readiness in constant time per
// endpoint. It holds for the configuration as it was when the index was made.
type ReadinessIndex struct {
	resources map[string]*Resource
	linked    map[string]bool // paths of endpoints that some client may post to
}

// ReadinessIndex makes an index of c.
func (c *Config) ReadinessIndex() *ReadinessIndex {
	index := &ReadinessIndex{
		resources: make(map[string]*Resource, len(c.Resources)),
		linked:    make(map[string]bool, len(c.Endpoints)),
	}
	for i := range c.Resources {
		index.resources[c.Resources[i].Name] = &c.Resources[i]
	}
	for i := range c.Clients {
		for _, path := range c.Clients[i].Endpoints {
			index.linked[path] = true
		}
	}
	return index
}

// Of gives the readiness of one endpoint.
func (x *ReadinessIndex) Of(e *Endpoint) string {
	if !x.linked[e.Path] {
		return ReadinessMissingClients
	}
	if len(e.Resources) == 0 {
		return ReadinessNoResources
	}
	for _, name := range e.Resources {
		// A name that leads nowhere is a fault for Validate, not a matter of readiness.
		if r := x.resources[name]; r != nil && !r.filledBy(e.Mapping[name]) {
			return "Rules incomplete for '" + name + "'"
		}
	}
	return ReadinessReady
}

// filledBy reports whether m gives every parameter that the resource requires.
// A resource that requires none needs no mapping: it gets the payload as it is.
func (r *Resource) filledBy(m Mapping) bool { return len(m.Missing(r.RequiredParams)) == 0 }

// Missing gives the parameters, of those that a resource requires, that the
// mapping does not build.
func (m Mapping) Missing(required []string) []string {
	var missing []string
	for _, param := range required {
		if !m.gives(param) {
			missing = append(missing, param)
		}
	}
	return missing
}

// gives reports whether the mapping builds the target key param, itself or
// something nested in it.
func (m Mapping) gives(param string) bool {
	if _, ok := m[param]; ok {
		return true
	}
	for key := range m {
		if strings.HasPrefix(key, param+".") {
			return true
		}
	}
	return false
}
