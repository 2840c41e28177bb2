package gatewayfile

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
)

const header = `# Dispatchapy gateway file. Check it with "dispatchapy check -f FILE", apply it
# with "dispatchapy apply -f FILE". It contains secrets: keep it like a password.
`

// Encode writes a configuration as YAML, in one canonical form: the same
// configuration always gives the same bytes. The settings are complete, fields
// of objects that have their default are left out, and clients have the hash of
// their token instead of the token. Parse and Plan on any configuration, with
// prune, bring back an equal one.
func Encode(cfg *dispatchapy.Config) ([]byte, error) {
	root, err := encodeTree(cfg)
	if err != nil {
		return nil, err
	}
	return writeYAML([]byte(header), root), nil
}

// EncodeJSON is Encode in JSON, indented.
func EncodeJSON(cfg *dispatchapy.Config) ([]byte, error) {
	root, err := encodeTree(cfg)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, root.appendJSON(nil), "", "  "); err != nil {
		return nil, fmt.Errorf("indent gateway file: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func encodeTree(cfg *dispatchapy.Config) (*node, error) {
	cfg = clone(cfg)
	cfg.Normalize()
	e := &encoder{}
	root := &node{kind: kindMap}
	root.add(key{text: "version"}, number(strconv.Itoa(formatVersion)))
	root.add(key{text: "settings"}, e.settings(&cfg.Settings))
	addList(root, "resources", cfg.Resources, e.resource)
	addList(root, "endpoints", cfg.Endpoints, e.endpoint)
	addList(root, "clients", cfg.Clients, e.client)
	return root, e.err
}

func addList[T any](root *node, name string, objects []T, encode func(*T) *node) {
	if len(objects) == 0 {
		return
	}
	list := &node{kind: kindList}
	for i := range objects {
		list.items = append(list.items, encode(&objects[i]))
	}
	root.add(key{text: name}, list)
}

// encoder makes nodes of Go values. It goes on after an error and keeps the
// first one.
type encoder struct{ err error }

// defaults are objects in which Normalize filled in everything it fills in.
var defaults = func() *dispatchapy.Config {
	rules := []dispatchapy.Rule{{}}
	c := &dispatchapy.Config{
		Resources: []dispatchapy.Resource{{RateLimit: &dispatchapy.RateLimit{}}},
		Endpoints: []dispatchapy.Endpoint{{Dev: dispatchapy.EndpointDev{Rules: rules}}},
		Clients:   []dispatchapy.Client{{}},
	}
	c.Normalize()
	return c
}()

// settings writes every key, also those without a mail server, because what is
// absent from a file would stay as it is.
func (e *encoder) settings(s *dispatchapy.Settings) *node {
	n := e.complete(reflect.ValueOf(*s))
	if s.SMTP == nil {
		n.add(key{text: "smtp"}, &node{kind: kindNull})
	}
	return n
}

func (e *encoder) resource(r *dispatchapy.Resource) *node {
	return e.object(reflect.ValueOf(*r), reflect.ValueOf(defaults.Resources[0]))
}

func (e *encoder) endpoint(ep *dispatchapy.Endpoint) *node {
	return e.object(reflect.ValueOf(*ep), reflect.ValueOf(defaults.Endpoints[0]))
}

func (e *encoder) client(c *dispatchapy.Client) *node {
	copied := *c
	copied.Token = ""
	return e.object(reflect.ValueOf(copied), reflect.ValueOf(defaults.Clients[0]))
}

// object writes a struct without the fields that are as in def, the same
// struct with its defaults.
func (e *encoder) object(v, def reflect.Value) *node {
	n := &node{kind: kindMap}
	fields := fieldsOf(v.Type())
	for _, name := range fields.keys {
		i := fields.byKey[name]
		if e.isDefault(v.Field(i), def.Field(i)) {
			continue
		}
		value := e.value(v.Field(i), def.Field(i))
		if v.Field(i).Kind() == reflect.Struct && value.kind == kindMap && len(value.items) == 0 {
			continue // all of its fields have their default
		}
		n.add(key{text: name}, value)
	}
	return n
}

// complete writes a struct with all fields but nil pointers.
func (e *encoder) complete(v reflect.Value) *node {
	n := &node{kind: kindMap}
	fields := fieldsOf(v.Type())
	for _, name := range fields.keys {
		f := v.Field(fields.byKey[name])
		if f.Kind() == reflect.Pointer {
			if f.IsNil() {
				continue
			}
			f = f.Elem()
		}
		if f.Kind() == reflect.Struct && !f.Type().Implements(textMarshaler) {
			n.add(key{text: name}, e.complete(f))
			continue
		}
		def := f
		if f.Kind() == reflect.Slice {
			def = reflect.Zero(f.Type()) // or the first object of a list would be its own default
		}
		n.add(key{text: name}, e.value(f, def))
	}
	return n
}

// isDefault reports whether reading the file without this value brings it back.
// A struct behind a pointer is never a default: its presence says something.
func (e *encoder) isDefault(v, def reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.Struct {
			return v.IsNil()
		}
	case reflect.Map:
		return v.Len() == 0
	case reflect.Slice:
		if v.Len() == 0 {
			return true
		}
		if v.Type().Elem().Kind() == reflect.Struct {
			return false // rules: the defaults' one is only there for its fields
		}
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64, reflect.String:
		return v.Equal(def) // like below, and cheaper
	}
	return v.IsZero() && def.IsZero() || reflect.DeepEqual(v.Interface(), def.Interface())
}

var (
	durationRange = reflect.TypeFor[dispatchapy.DurationRange]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func (e *encoder) value(v, def reflect.Value) *node {
	if v.Type() == rawMessage {
		return e.raw(v.Bytes())
	}
	if v.Type().Implements(textMarshaler) {
		return e.text(v.Interface().(encoding.TextMarshaler))
	}
	switch v.Kind() {
	case reflect.Pointer:
		if def.Kind() != reflect.Pointer || def.IsNil() {
			return e.value(v.Elem(), reflect.Zero(v.Type().Elem()))
		}
		return e.value(v.Elem(), def.Elem())
	case reflect.Struct:
		if v.Type() == durationRange {
			return e.complete(v) // one half alone would get no default
		}
		return e.object(v, def)
	case reflect.Map:
		return e.mapping(v)
	case reflect.Slice:
		return e.list(v, def)
	case reflect.String:
		return &node{kind: kindString, text: v.String()}
	case reflect.Bool:
		return &node{kind: kindBool, text: strconv.FormatBool(v.Bool())}
	case reflect.Float64:
		return number(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	default:
		return number(strconv.FormatInt(v.Int(), 10))
	}
}

func number(text string) *node { return &node{kind: kindNumber, text: text} }

func (e *encoder) text(m encoding.TextMarshaler) *node {
	text, err := m.MarshalText()
	e.note(err)
	return &node{kind: kindString, text: string(text)}
}

// mapping writes a map with sorted keys.
func (e *encoder) mapping(v reflect.Value) *node {
	n := &node{kind: kindMap}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		item := v.MapIndex(k)
		n.add(key{text: k.String()}, e.value(item, reflect.Zero(item.Type())))
	}
	return n
}

// list writes a slice. The defaults of its structs are the first one of def.
func (e *encoder) list(v, def reflect.Value) *node {
	n := &node{kind: kindList}
	itemDefault := reflect.Zero(v.Type().Elem())
	if def.Len() > 0 && itemDefault.Kind() == reflect.Struct {
		itemDefault = def.Index(0)
	}
	for i := range v.Len() {
		n.items = append(n.items, e.value(v.Index(i), itemDefault))
	}
	return n
}

// raw turns stored JSON into nodes, so that it is written like the rest. Of a
// key that is given twice the last value counts, as for all readers of JSON.
func (e *encoder) raw(data []byte) *node {
	if len(data) == 0 {
		return &node{kind: kindNull}
	}
	if !json.Valid(data) {
		e.note(dispatchapy.Errorf(dispatchapy.CodeInvalid, "a value in the configuration is not valid JSON"))
		return &node{kind: kindNull}
	}
	n, err := (&treeParser{}).parseJSON(data)
	if err != nil {
		e.note(dispatchapy.Errorf(dispatchapy.CodeInvalid, "a value in the configuration cannot be written: %w", err))
		return &node{kind: kindNull}
	}
	return n
}

func (e *encoder) note(err error) {
	if e.err == nil {
		e.err = err
	}
}
