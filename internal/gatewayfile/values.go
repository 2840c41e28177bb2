package gatewayfile

import (
	"reflect"
	"strconv"
	"unicode/utf8"

	"dispatchapy"
)

// ValueChange is one value that a Change alters. Secrets are masked.
type ValueChange struct {
	Path   string `json:"path"`   // within the object: "mapping.chat.text"
	Before string `json:"before"` // as it would stand in the file; "" if there was nothing
	After  string `json:"after"`  // "" if there is nothing any more
}

// maxValue bounds the characters that are shown of one value.
const maxValue = 200

// Values lists what the change alters within its object, in the order of the
// file. before and after are what Plan got and gave. Groups of keys are told
// key by key, lists as a whole. A deleted object has no values: its going says
// it all.
func (c Change) Values(before, after *dispatchapy.Config) ([]ValueChange, error) {
	if c.Action == Delete {
		return nil, nil
	}
	name := c.Name
	if c.Was != "" {
		name = c.Was
	}
	e := &encoder{}
	w := valueWalker{}
	w.compare("", sides{plain: e.named(before, c.Kind, name), shown: e.named(masked(before, c.Kind, name), c.Kind, name)},
		sides{plain: e.named(after, c.Kind, c.Name), shown: e.named(masked(after, c.Kind, c.Name), c.Kind, c.Name)})
	return w.found, e.err
}

// named encodes one object of a configuration, nil if there is none.
func (e *encoder) named(cfg *dispatchapy.Config, kind Kind, name string) *node {
	switch kind {
	case KindSettings:
		return e.settings(&cfg.Settings)
	case KindResource:
		if r := cfg.Resource(name); r != nil {
			return e.resource(r)
		}
	case KindEndpoint:
		if ep := cfg.Endpoint(name); ep != nil {
			return e.endpoint(ep)
		}
	case KindClient:
		if cl := cfg.Client(name); cl != nil {
			return e.client(cl)
		}
	}
	return nil
}

// masked gives a configuration with nothing but a copy of the named object,
// in which secrets are masked.
func masked(cfg *dispatchapy.Config, kind Kind, name string) *dispatchapy.Config {
	out := &dispatchapy.Config{}
	switch kind {
	case KindSettings:
		out.Settings = *clone(&cfg.Settings)
	case KindResource:
		if r := cfg.Resource(name); r != nil {
			out.Resources = []dispatchapy.Resource{*clone(r)}
		}
	case KindEndpoint:
		if ep := cfg.Endpoint(name); ep != nil {
			out.Endpoints = []dispatchapy.Endpoint{*clone(ep)}
		}
	case KindClient:
		if cl := cfg.Client(name); cl != nil {
			out.Clients = []dispatchapy.Client{*clone(cl)}
			out.Clients[0].TokenHash = dispatchapy.Redacted
		}
	}
	maskSecrets(reflect.ValueOf(out).Elem())
	return out
}

// maskSecrets replaces every secret in a value that can be set. It goes by
// type, so that a field added to the domain needs no entry here.
func maskSecrets(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			maskSecrets(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return
		}
		for i := range v.NumField() {
			maskSecrets(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			maskSecrets(v.Index(i))
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(it.Value())
			maskSecrets(value)
			v.SetMapIndex(it.Key(), value)
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[dispatchapy.Secret]() && v.Len() > 0 {
			v.SetString(dispatchapy.Redacted)
		}
	}
}

// sides are a value as it is and as it is shown. Both have the same shape.
type sides struct{ plain, shown *node }

// at gives the value of a key.
func (s sides) at(name string) sides { return sides{s.plain.get(name), s.shown.get(name)} }

// text gives the value as it would stand in the file, in one line.
func (s sides) text() string {
	if s.plain == nil {
		return ""
	}
	text := string(appendFlow(nil, s.shown))
	if utf8.RuneCountInString(text) <= maxValue {
		return text
	}
	return string([]rune(text)[:maxValue]) + "… (" + strconv.Itoa(len(text)) + " bytes)"
}

type valueWalker struct{ found []ValueChange }

func (w *valueWalker) compare(path string, before, after sides) {
	if before.isMap() && after.isMap() || path == "" {
		w.compareKeys(path, before, after)
		return
	}
	if before.plain != nil && before.plain.equal(after.plain) {
		return
	}
	change := ValueChange{Path: path, Before: before.text(), After: after.text()}
	if change.Before == change.After {
		change.After += " (another value)"
	}
	w.found = append(w.found, change)
}

// compareKeys goes through the keys of both maps: those of after, then those
// that it lacks.
func (w *valueWalker) compareKeys(path string, before, after sides) {
	for _, k := range after.keys() {
		w.compare(below(path, k.text), before.at(k.text), after.at(k.text))
	}
	for _, k := range before.keys() {
		if after.plain.get(k.text) == nil {
			w.compare(below(path, k.text), before.at(k.text), sides{})
		}
	}
}

func (s sides) isMap() bool { return s.plain != nil && s.plain.kind == kindMap }

func (s sides) keys() []key {
	if s.plain == nil {
		return nil
	}
	return s.plain.keys
}

// below gives the path of a key within path.
func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
