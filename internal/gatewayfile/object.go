package gatewayfile

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"dispatchapy"
)

// Object is one object of a configuration as JSON, in the shape that it has in
// the file: the body of a request that creates or changes it. Faults have the
// path within the object and no line.
type Object struct{ root *node }

// Objects are the types that an Object can be read into.
type Objects interface {
	dispatchapy.Settings | dispatchapy.Resource | dispatchapy.Endpoint | dispatchapy.Client | dispatchapy.Channel
}

// ParseObject reads the text of a JSON object. The error is a
// *dispatchapy.Error with CodeInvalid.
func ParseObject(data []byte) (*Object, error) {
	if !json.Valid(data) {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the body is not valid JSON")
	}
	if countMarks(data) > maxMarks {
		return nil, dispatchapy.Errorf(dispatchapy.CodeTooLarge, "the body has too many values")
	}
	p := &treeParser{}
	root, err := p.parseJSON(data)
	if err != nil {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the body cannot be read: %w", err)
	}
	d := &decoder{}
	for _, twice := range p.duplicates {
		d.fault(position{}, twice.Path, "the key is given twice")
	}
	if root.kind != kindMap {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the body must be a JSON object")
	}
	return &Object{root: root}, d.objectErr()
}

// Keys gives the top-level keys.
func (o *Object) Keys() []string {
	keys := make([]string, len(o.root.keys))
	for i, k := range o.root.keys {
		keys[i] = k.text
	}
	return keys
}

// Take removes a top-level key and gives its value as JSON; nil if there is no
// such key.
func (o *Object) Take(name string) json.RawMessage {
	i := slices.IndexFunc(o.root.keys, func(k key) bool { return k.text == name })
	if i < 0 {
		return nil
	}
	value := o.root.items[i].appendJSON(nil)
	o.root.keys = slices.Delete(slices.Clone(o.root.keys), i, i+1)
	o.root.items = slices.Delete(slices.Clone(o.root.items), i, i+1)
	return value
}

// Decode reads the object into a value: what it does not give stays as it is
// there. A key that is not known is a fault.
func Decode[T Objects](o *Object, into *T) error {
	d := &decoder{}
	d.decodeInto(o.root, "", into)
	return d.objectErr()
}

// Merge lays the object over a normalised value as a JSON merge patch (RFC 7396): null
// takes a key away, so that it has its default again.
func Merge[T Objects](o *Object, into *T) error {
	e := &encoder{}
	present := e.present(into)
	if e.err != nil {
		return e.err
	}
	var merged T
	if settings, ok := any(&merged).(*dispatchapy.Settings); ok {
		*settings = dispatchapy.DefaultSettings()
	}
	d := &decoder{}
	d.checkKeys(o.root, reflect.TypeFor[T]())
	d.decodeInto(mergePatch(present, o.root), "", &merged)
	if err := d.objectErr(); err != nil {
		return err
	}
	*into = merged
	return nil
}

// present writes an object of any kind without its defaults.
func (e *encoder) present(object any) *node {
	switch o := object.(type) {
	case *dispatchapy.Resource:
		return e.resource(o)
	case *dispatchapy.Endpoint:
		return e.endpoint(o)
	case *dispatchapy.Client:
		return e.client(o)
	case *dispatchapy.Settings:
		return e.settings(o)
	}
	return &node{kind: kindMap}
}

// checkKeys refuses keys that are not known. Merging finds all others: what
// null takes away is gone before it is read.
func (d *decoder) checkKeys(patch *node, t reflect.Type) {
	fields := fieldsOf(t)
	for i, k := range patch.keys {
		if _, known := fields.byKey[k.text]; !known && patch.items[i].kind == kindNull {
			d.fault(k.position, k.text, "the key is not known here: use one of %s", strings.Join(fields.keys, ", "))
		}
	}
}

func mergePatch(target, patch *node) *node {
	if patch.kind != kindMap {
		return patch
	}
	out := &node{kind: kindMap}
	if target != nil && target.kind == kindMap {
		out.keys, out.items = slices.Clone(target.keys), slices.Clone(target.items)
	}
	for i, k := range patch.keys {
		at := slices.IndexFunc(out.keys, func(other key) bool { return other.text == k.text })
		switch value := patch.items[i]; {
		case value.kind == kindNull && at >= 0:
			out.keys, out.items = slices.Delete(out.keys, at, at+1), slices.Delete(out.items, at, at+1)
		case value.kind == kindNull:
		case at >= 0:
			out.items[at] = mergePatch(out.items[at], value)
		default:
			out.add(k, mergePatch(nil, value))
		}
	}
	return out
}

// EncodeObject writes a normalised object as JSON in the shape of the file, with the
// defaults left out.
func EncodeObject[T Objects](object *T) (json.RawMessage, error) {
	e := &encoder{}
	n := e.present(object)
	return n.appendJSON(nil), e.err
}

func (d *decoder) objectErr() error {
	if len(d.faults) == 0 {
		return nil
	}
	return &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "the request is not valid", Fields: d.faults}
}
