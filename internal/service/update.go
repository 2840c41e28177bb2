package service

import (
	"fmt"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/store"
)

// object is a configuration object in a graph.
type object struct {
	id      *int64
	version *int64
	value   any
}

// objectsOf indexes the graph, so that large changes stay linear.
func objectsOf(cfg *dispatchapy.Config) map[nameKey]object {
	settings := int64(settingsID)
	m := make(map[nameKey]object, 1+len(cfg.Resources)+len(cfg.Endpoints)+len(cfg.Clients))
	m[nameKey{store.KindSettings, settingsName}] = object{&settings, &cfg.Settings.Version, &cfg.Settings}
	for i := range cfg.Resources {
		r := &cfg.Resources[i]
		m[nameKey{store.KindResource, r.Name}] = object{&r.ID, &r.Version, r}
	}
	for i := range cfg.Endpoints {
		e := &cfg.Endpoints[i]
		m[nameKey{store.KindEndpoint, e.Path}] = object{&e.ID, &e.Version, e}
	}
	for i := range cfg.Clients {
		c := &cfg.Clients[i]
		m[nameKey{store.KindClient, c.Name}] = object{&c.ID, &c.Version, c}
	}
	return m
}

// updateFor turns changes into rows: only the objects that changed are
// written, and every one of them has its audit entry.
func (s *Service) updateFor(by string, current, next *dispatchapy.Config, changes []Change) (store.ConfigUpdate, error) {
	update := store.ConfigUpdate{
		Expect: current.Version,
		Put:    make([]store.ConfigObject, 0, len(changes)),
		Audit:  make([]store.AuditEntry, 0, len(changes)),
	}
	before, after := objectsOf(current), objectsOf(next)
	for _, c := range changes {
		key, was := keyOf(c), keyOf(c)
		if c.Was != "" {
			was.name = c.Was
		}
		entry, err := auditOf(by, c, before[was], after[key])
		if err != nil {
			return update, err
		}
		s.sealAudit(&entry)
		update.Audit = append(update.Audit, entry)
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
		if moved(before[was].value, o.value) {
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
