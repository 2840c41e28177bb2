package original

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dispatchapy"
)

// maxDepth is how many levels a dotted key may have in this gateway.
const maxDepth = 32

func (r *reader) readEndpoints(ctx context.Context) error {
	used := map[string]bool{}
	return r.file.each(ctx, "SELECT * FROM endpoints ORDER BY id", nil, func(row row) {
		id, was := row.id("id"), row.text("path")
		path := unique(used, cleanPath(was, fmt.Sprintf("endpoint-%d", id)), "-%d")
		if path != was {
			r.note("endpoint %q: cannot be called under this path, or it is that of another one: now %q", was, path)
		}
		about := fmt.Sprintf("endpoint %q", path)
		active := row.on("is_active")
		r.world.endpoints[id] = object{was: was, name: path, since: row.time("created_at"), index: len(r.config.Endpoints)}
		r.config.Endpoints = append(r.config.Endpoints, dispatchapy.Endpoint{
			Path:           path,
			Description:    row.text("description"),
			Active:         &active,
			RequiredParams: r.keys(row, "required_params", about),
			Dev: dispatchapy.EndpointDev{
				Enabled:      row.on("is_development_mode"),
				Hold:         row.on("dev_hold_tasks"),
				RulesEnabled: row.on("dev_rules_enabled"),
			},
		})
	})
}

// endpointOf gives the endpoint that a row of another table belongs to. Rows
// of deleted ones are counted.
func (r *reader) endpointOf(row row, rows string) *dispatchapy.Endpoint {
	id := row.id("endpoint_id")
	o, ok := r.world.endpoints[id]
	if !ok {
		r.dead.add(fmt.Sprintf("%s of endpoint %d, which does not exist, left out", rows, id), 0)
		return nil
	}
	return &r.config.Endpoints[o.index]
}

// resourceOf gives the name of the resource that a row leads to.
func (r *reader) resourceOf(row row, e *dispatchapy.Endpoint, rows string) (name string, ok bool) {
	id := row.id("resource_id")
	o, ok := r.world.resources[id]
	if !ok {
		r.dead.add(fmt.Sprintf("endpoint %q: %s resource %d, which does not exist, left out", e.Path, rows, id), 0)
	}
	return o.name, ok
}

// readResourceLinks reads the failover order.
func (r *reader) readResourceLinks(ctx context.Context) error {
	const query = "SELECT * FROM endpoint_resource_links ORDER BY endpoint_id, sequence, id"
	return r.file.each(ctx, query, nil, func(row row) {
		e := r.endpointOf(row, "links to resources")
		if e == nil {
			return
		}
		name, ok := r.resourceOf(row, e, "links to")
		switch {
		case !ok:
		case slices.Contains(e.Resources, name):
			r.note("endpoint %q: linked to resource %q twice, once is kept", e.Path, name)
		default:
			e.Resources = append(e.Resources, name)
		}
	})
}

// readMapping reads the parameter rules. Where several set the same key, the
// last one wins, as it did.
func (r *reader) readMapping(ctx context.Context) error {
	return r.file.each(ctx, "SELECT * FROM parameter_rules ORDER BY id", nil, func(row row) {
		e := r.endpointOf(row, "parameter rules")
		if e == nil {
			return
		}
		name, ok := r.resourceOf(row, e, "parameter rules for")
		if !ok {
			return
		}
		about := fmt.Sprintf("endpoint %q, mapping for %q", e.Path, name)
		target := row.text("target_key")
		source, problem := mappingSource(row)
		if problem != "" {
			r.note("%s: %q %s, left out", about, firstRunes(target, 80), problem)
			return
		}
		if e.Mapping == nil {
			e.Mapping = map[string]dispatchapy.Mapping{}
		}
		if e.Mapping[name] == nil {
			e.Mapping[name] = dispatchapy.Mapping{}
		}
		if _, twice := e.Mapping[name][target]; twice {
			r.note("%s: %q is set twice, the later rule is kept", about, firstRunes(target, 80))
		}
		e.Mapping[name][target] = source
	})
}

// mappingSource reads where a value comes from, or says what is wrong with it.
func mappingSource(row row) (source dispatchapy.Source, problem string) {
	from := row.text("source_value")
	switch kind := row.text("source_type"); {
	case kind == "generate_uuid":
		return dispatchapy.Source{UUID: true}, ""
	case kind != "from_source":
		return source, fmt.Sprintf("has the source type %q, which is not known", firstRunes(kind, 40))
	case from == "":
		return source, "has no source key"
	case strings.Count(from, ".") >= maxDepth:
		return source, fmt.Sprintf("has a source key of more than %d levels", maxDepth)
	}
	return dispatchapy.Source{From: from}, ""
}

// settleMappings leaves out what cannot be built, and mappings for resources
// that the endpoint does not send to.
func (r *reader) settleMappings() {
	for i := range r.config.Endpoints {
		e := &r.config.Endpoints[i]
		for _, name := range slices.Sorted(maps.Keys(e.Mapping)) {
			mapping := e.Mapping[name]
			if !slices.Contains(e.Resources, name) {
				r.note("endpoint %q: not linked to resource %q, so the mapping for it is left out (%s)", e.Path, name, describe(mapping))
				delete(e.Mapping, name)
				continue
			}
			r.settleTargets(mapping, fmt.Sprintf("endpoint %q, mapping for %q", e.Path, name))
		}
	}
}

func (r *reader) settleTargets(mapping dispatchapy.Mapping, about string) {
	for _, target := range slices.Sorted(maps.Keys(mapping)) {
		why := notTarget(target, func(other string) bool { _, ok := mapping[other]; return ok })
		switch {
		case why != "":
			r.note("%s: %q %s, left out", about, firstRunes(target, 80), why)
			delete(mapping, target)
		case strings.Contains(target, "."):
			r.note("%s: %q is now sent as nested objects; the original sent a key with a dot in it", about, target)
		}
	}
}

// notTarget says why a key cannot be built, "" if it can. given tells which
// other keys there are.
func notTarget(key string, given func(key string) bool) string {
	parts := strings.Split(key, ".")
	switch {
	case !isKey(key) || slices.Contains(parts, ""):
		return "cannot be a key"
	case len(parts) > maxDepth:
		return fmt.Sprintf("has more than %d levels", maxDepth)
	}
	for i := 1; i < len(parts); i++ {
		if outer := strings.Join(parts[:i], "."); given(outer) {
			return fmt.Sprintf("would be within %q, which is a value", outer)
		}
	}
	return ""
}

// describe tells what a mapping does, so that it can be entered again.
func describe(mapping dispatchapy.Mapping) string {
	parts := make([]string, 0, len(mapping))
	for _, target := range slices.Sorted(maps.Keys(mapping)) {
		if s := mapping[target]; s.UUID {
			parts = append(parts, target+" a UUID")
		} else {
			parts = append(parts, target+" from "+s.From)
		}
	}
	return strings.Join(parts, ", ")
}
