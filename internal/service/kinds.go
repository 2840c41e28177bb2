package service

import (
	"fmt"
	"slices"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var resourceKind = &kindOf[dispatchapy.Resource]{
	kind:      store.KindResource,
	listName:  "resources",
	nameKey:   "name",
	list:      func(c *dispatchapy.Config) *[]dispatchapy.Resource { return &c.Resources },
	id:        func(r *dispatchapy.Resource) *int64 { return &r.ID },
	version:   func(r *dispatchapy.Resource) *int64 { return &r.Version },
	name:      func(r *dispatchapy.Resource) string { return r.Name },
	normalize: (*dispatchapy.Resource).Normalize,
	mask:      maskResource,
	restore:   restoreResource,
	renamed:   renameResource,
	removed:   removeResource,
	impact:    resourceImpact,
}

var endpointKind = &kindOf[dispatchapy.Endpoint]{
	kind:      store.KindEndpoint,
	listName:  "endpoints",
	nameKey:   "path",
	list:      func(c *dispatchapy.Config) *[]dispatchapy.Endpoint { return &c.Endpoints },
	id:        func(e *dispatchapy.Endpoint) *int64 { return &e.ID },
	version:   func(e *dispatchapy.Endpoint) *int64 { return &e.Version },
	name:      func(e *dispatchapy.Endpoint) string { return e.Path },
	normalize: (*dispatchapy.Endpoint).Normalize,
	mask:      func(*dispatchapy.Endpoint) {},
	restore:   func(_, _ *dispatchapy.Endpoint) []dispatchapy.FieldError { return nil },
	renamed:   renameEndpoint,
	removed:   removeEndpoint,
	impact:    endpointImpact,
}

var clientKind = &kindOf[dispatchapy.Client]{
	kind:      store.KindClient,
	listName:  "clients",
	nameKey:   "name",
	list:      func(c *dispatchapy.Config) *[]dispatchapy.Client { return &c.Clients },
	id:        func(c *dispatchapy.Client) *int64 { return &c.ID },
	version:   func(c *dispatchapy.Client) *int64 { return &c.Version },
	name:      func(c *dispatchapy.Client) string { return c.Name },
	normalize: (*dispatchapy.Client).Normalize,
	mask:      maskClient,
	restore:   restoreClient,
	renamed:   func(*dispatchapy.Config, string, string) {}, // nothing names a client
	removed:   func(*dispatchapy.Config, string) {},
	impact:    clientImpact,
}

func renameResource(draft *dispatchapy.Config, from, to string) {
	for i := range draft.Endpoints {
		e := &draft.Endpoints[i]
		e.Resources = replaced(e.Resources, from, to)
		if mapping, mapped := e.Mapping[from]; mapped {
			e.Mapping = withoutKey(e.Mapping, from)
			e.Mapping[to] = mapping
		}
	}
}

func removeResource(draft *dispatchapy.Config, name string) {
	for i := range draft.Endpoints {
		e := &draft.Endpoints[i]
		if slices.Contains(e.Resources, name) {
			e.Resources = without(e.Resources, name)
		}
		if _, mapped := e.Mapping[name]; mapped {
			e.Mapping = withoutKey(e.Mapping, name)
		}
	}
}

func resourceImpact(cfg *dispatchapy.Config, r *dispatchapy.Resource) Impact {
	impact := Impact{Version: r.Version}
	for i := range cfg.Endpoints {
		e := &cfg.Endpoints[i]
		if !slices.Contains(e.Resources, r.Name) {
			continue
		}
		impact.Version = max(impact.Version, e.Version)
		impact.Endpoints = append(impact.Endpoints, e.Path)
		if len(e.Resources) == 1 {
			impact.Stranded = append(impact.Stranded, e.Path)
			impact.stranded = append(impact.stranded, e.ID)
		}
	}
	return impact
}

func renameEndpoint(draft *dispatchapy.Config, from, to string) {
	if page := &draft.Settings.StatusPage; onStatusPage(page, from) {
		page.Endpoints = slices.Clone(page.Endpoints)
		for i := range page.Endpoints {
			if page.Endpoints[i].Path == from {
				page.Endpoints[i].Path = to
			}
		}
	}
	for i := range draft.Clients {
		c := &draft.Clients[i]
		if slices.Contains(c.Endpoints, from) {
			c.Endpoints = replaced(c.Endpoints, from, to)
			slices.Sort(c.Endpoints)
		}
		if limitedTo(c.Dev.Rules, from) {
			c.Dev.Rules = slices.Clone(c.Dev.Rules)
			for j := range c.Dev.Rules {
				if c.Dev.Rules[j].Endpoint == from {
					c.Dev.Rules[j].Endpoint = to
				}
			}
		}
	}
}

// removeEndpoint takes the endpoint away from the status page and from its
// clients, with the rules that are limited to it: they would apply everywhere
// without it.
func removeEndpoint(draft *dispatchapy.Config, path string) {
	if page := &draft.Settings.StatusPage; onStatusPage(page, path) {
		page.Endpoints = slices.DeleteFunc(slices.Clone(page.Endpoints), func(e dispatchapy.StatusEndpoint) bool { return e.Path == path })
	}
	for i := range draft.Clients {
		c := &draft.Clients[i]
		if slices.Contains(c.Endpoints, path) {
			c.Endpoints = without(c.Endpoints, path)
		}
		if limitedTo(c.Dev.Rules, path) {
			c.Dev.Rules = slices.DeleteFunc(slices.Clone(c.Dev.Rules), func(r dispatchapy.Rule) bool { return r.Endpoint == path })
			c.Dev.RulesEnabled = c.Dev.RulesEnabled && len(c.Dev.Rules) > 0
		}
	}
}

func onStatusPage(page *dispatchapy.StatusPage, path string) bool {
	return slices.ContainsFunc(page.Endpoints, func(e dispatchapy.StatusEndpoint) bool { return e.Path == path })
}

func limitedTo(rules []dispatchapy.Rule, path string) bool {
	return slices.ContainsFunc(rules, func(r dispatchapy.Rule) bool { return r.Endpoint == path })
}

func endpointImpact(cfg *dispatchapy.Config, e *dispatchapy.Endpoint) Impact {
	impact := Impact{Version: e.Version, stranded: []int64{e.ID}}
	for i := range cfg.Clients {
		c := &cfg.Clients[i]
		if slices.Contains(c.Endpoints, e.Path) || limitedTo(c.Dev.Rules, e.Path) {
			impact.Version = max(impact.Version, c.Version)
			impact.Clients = append(impact.Clients, c.Name)
		}
	}
	return impact
}

func clientImpact(_ *dispatchapy.Config, c *dispatchapy.Client) Impact {
	return Impact{Version: c.Version, Endpoints: c.Endpoints}
}

// linkedClients names the clients that may post to an endpoint.
func linkedClients(cfg *dispatchapy.Config, path string) []string {
	var names []string
	for i := range cfg.Clients {
		if slices.Contains(cfg.Clients[i].Endpoints, path) {
			names = append(names, cfg.Clients[i].Name)
		}
	}
	return names
}

// linkClients makes the named clients, and no others, those that may post to
// an endpoint.
func linkClients(draft *dispatchapy.Config, path string, names []string) error {
	wanted := make(map[string]bool, len(names))
	for i, name := range names {
		if clientKind.indexByName(draft, name) < 0 {
			return invalid(fmt.Sprintf("clients[%d]", i), fmt.Sprintf("there is no client %q", name))
		}
		wanted[name] = true
	}
	for i := range draft.Clients {
		c := &draft.Clients[i]
		switch linked := slices.Contains(c.Endpoints, path); {
		case linked && !wanted[c.Name]:
			c.Endpoints = without(c.Endpoints, path)
		case !linked && wanted[c.Name]:
			c.Endpoints = slices.Sorted(slices.Values(append(slices.Clone(c.Endpoints), path)))
		}
	}
	return nil
}

func replaced(list []string, from, to string) []string {
	if !slices.Contains(list, from) {
		return list
	}
	out := slices.Clone(list)
	for i := range out {
		if out[i] == from {
			out[i] = to
		}
	}
	return out
}

func without(list []string, gone string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == gone })
}

func withoutKey[V any](m map[string]V, gone string) map[string]V {
	out := make(map[string]V, len(m))
	for key, value := range m {
		if key != gone {
			out[key] = value
		}
	}
	return out
}
