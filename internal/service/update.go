package service

import (
	"fmt"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/store"
)

// maxSummary bounds the number of objects that an audit entry names.
const maxSummary = 50

// object is a configuration object in a graph.
type object struct {
	id    *int64
	value any
}

// objectsOf indexes the graph, so that large changes stay linear.
func objectsOf(cfg *dispatchapy.Config) map[nameKey]object {
	settings := int64(settingsID)
	m := make(map[nameKey]object, 1+len(cfg.Resources)+len(cfg.Endpoints)+len(cfg.Clients))
	m[nameKey{store.KindSettings, settingsName}] = object{&settings, &cfg.Settings}
	for i := range cfg.Resources {
		m[nameKey{store.KindResource, cfg.Resources[i].Name}] = object{&cfg.Resources[i].ID, &cfg.Resources[i]}
	}
	for i := range cfg.Endpoints {
		m[nameKey{store.KindEndpoint, cfg.Endpoints[i].Path}] = object{&cfg.Endpoints[i].ID, &cfg.Endpoints[i]}
	}
	for i := range cfg.Clients {
		m[nameKey{store.KindClient, cfg.Clients[i].Name}] = object{&cfg.Clients[i].ID, &cfg.Clients[i]}
	}
	return m
}

// updateFor turns changes into rows: only the objects that changed are
// written.
func (s *Service) updateFor(current, next *dispatchapy.Config, changes []Change) (store.ConfigUpdate, error) {
	update := store.ConfigUpdate{Expect: current.Version, Summary: summarize(changes)}
	before, after := objectsOf(current), objectsOf(next)
	for _, c := range changes {
		key := keyOf(c)
		if c.Action == gatewayfile.Delete {
			update.Delete = append(update.Delete, store.ObjectRef{Kind: key.kind, ID: *before[key].id})
			continue
		}
		o, ok := after[key]
		if !ok {
			return update, fmt.Errorf("change of %s %q, which is not in the next configuration", key.kind, key.name)
		}
		row, err := s.sealObject(key.kind, *o.id, key.name, o.value)
		if err != nil {
			return update, err
		}
		update.Put = append(update.Put, row)
		if moved(before[key].value, o.value) {
			update.ResetHealth = append(update.ResetHealth, *o.id)
		}
	}
	return update, nil
}

func keyOf(c Change) nameKey {
	if kind := store.Kind(c.Kind); kind != store.KindSettings {
		return nameKey{kind, c.Name}
	}
	return nameKey{store.KindSettings, settingsName}
}

// moved reports whether a resource now lives elsewhere: what is known of its
// health was about the old place.
func moved(before, after any) bool {
	old, ok := before.(*dispatchapy.Resource)
	return ok && old.URL != after.(*dispatchapy.Resource).URL
}

// summarize words the changes for the audit: names of objects and fields,
// never values.
func summarize(changes []Change) string {
	var b strings.Builder
	for i, c := range changes {
		if i > 0 {
			b.WriteString("; ")
		}
		if i == maxSummary {
			fmt.Fprintf(&b, "and %d more", len(changes)-i)
			break
		}
		fmt.Fprintf(&b, "%s %s", c.Action, keyOf(c).words())
		if len(c.Fields) > 0 {
			fmt.Fprintf(&b, " (%s)", strings.Join(c.Fields, ", "))
		}
	}
	return b.String()
}

func (k nameKey) words() string {
	if k.kind == store.KindSettings {
		return settingsName
	}
	return string(k.kind) + " " + k.name
}
