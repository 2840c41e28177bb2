package service

import (
	"bytes"
	"encoding/json"
	"fmt"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// The settings are one object with a fixed identity.
const (
	settingsID   = 1
	settingsName = "settings"
)

// rowIdentity binds a sealed object to its row. It is the name and not the id
// because a new object has no id yet when it is sealed.
func rowIdentity(kind store.Kind, name string) []byte {
	return []byte("config\x00" + string(kind) + "\x00" + name)
}

// sealObject makes the stored form of a configuration object: all of it is
// encrypted, because secrets stand in headers, URLs and templates alike.
func (s *Service) sealObject(kind store.Kind, id int64, name string, value any) (store.ConfigObject, error) {
	// HTML escaping is off because it would change the bytes of raw JSON
	// constants: what was applied would differ from what is loaded.
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return store.ConfigObject{}, fmt.Errorf("encode %s %q: %w", kind, name, err)
	}
	return store.ConfigObject{
		Kind: kind,
		ID:   id,
		Name: name,
		Body: s.box.Seal(body.Bytes(), rowIdentity(kind, name)),
	}, nil
}

// openConfig puts the configuration together from its stored objects.
func (s *Service) openConfig(version int64, objects []store.ConfigObject) (*dispatchapy.Config, error) {
	cfg := &dispatchapy.Config{Version: version, Settings: dispatchapy.DefaultSettings()}
	for i := range objects {
		o := &objects[i]
		if o.Kind == store.KindUser || o.Kind == store.KindToken {
			continue // package people reads them
		}
		body, err := s.box.Open(o.Body, rowIdentity(o.Kind, o.Name))
		if err != nil {
			return nil, fmt.Errorf("the stored %s %q cannot be decrypted: %w", o.Kind, o.Name, err)
		}
		if err := addObject(cfg, o, body); err != nil {
			return nil, fmt.Errorf("the stored %s %q cannot be read: %w", o.Kind, o.Name, err)
		}
	}
	cfg.Normalize()
	return cfg, nil
}

func addObject(cfg *dispatchapy.Config, o *store.ConfigObject, body []byte) error {
	switch o.Kind {
	case store.KindSettings:
		cfg.Settings.Version = o.Version
		return json.Unmarshal(body, &cfg.Settings)
	case store.KindResource:
		r, err := decode[dispatchapy.Resource](body)
		r.ID, r.Name, r.Version = o.ID, o.Name, o.Version
		cfg.Resources = append(cfg.Resources, r)
		return err
	case store.KindEndpoint:
		e, err := decode[dispatchapy.Endpoint](body)
		e.ID, e.Path, e.Version = o.ID, o.Name, o.Version
		cfg.Endpoints = append(cfg.Endpoints, e)
		return err
	case store.KindClient:
		c, err := decode[dispatchapy.Client](body)
		c.ID, c.Name, c.Version = o.ID, o.Name, o.Version
		cfg.Clients = append(cfg.Clients, c)
		return err
	}
	return fmt.Errorf("unknown kind %q", o.Kind)
}

func decode[T any](body []byte) (T, error) {
	var v T
	err := json.Unmarshal(body, &v)
	return v, err
}
