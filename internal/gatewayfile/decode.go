package gatewayfile

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"dispatchapy"
)

// decoder fills Go values from nodes and gathers faults.
type decoder struct {
	file   string // "": messages have no place in a file
	faults []dispatchapy.FieldError
}

func (d *decoder) fault(at position, path, format string, args ...any) {
	if len(d.faults) >= maxFaults {
		return
	}
	message := fmt.Sprintf(format, args...)
	if d.file != "" {
		message = fmt.Sprintf("%s:%s: %s", d.file, at, message)
	}
	d.faults = append(d.faults, dispatchapy.FieldError{Path: path, Message: message})
}

func (d *decoder) err() error {
	if len(d.faults) == 0 {
		return nil
	}
	return &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: d.file + " is not a valid gateway file", Fields: d.faults}
}

// decodeInto fills what target points to. Fields of structs that the node does
// not give keep their value, and so do those with a fault.
func (d *decoder) decodeInto(n *node, path string, target any) {
	d.decode(n, path, reflect.ValueOf(target).Elem())
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

func (d *decoder) decode(n *node, path string, v reflect.Value) {
	if v.Type() == rawMessage {
		d.decodeRaw(n, path, v)
		return
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.decodeText(n, path, text)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		d.decodePointer(n, path, v)
	case reflect.Struct:
		d.decodeStruct(n, path, v)
	case reflect.Map:
		d.decodeMap(n, path, v)
	case reflect.Slice:
		d.decodeSlice(n, path, v)
	case reflect.String:
		if d.expect(n, path, kindString, `write "" for no text`) {
			v.SetString(n.text)
		}
	case reflect.Bool:
		if d.expect(n, path, kindBool, "") {
			v.SetBool(n.text == "true")
		}
	default:
		d.decodeNumber(n, path, v)
	}
}

// expect notes a fault if the node is of another kind.
func (d *decoder) expect(n *node, path string, want kind, ifNull string) bool {
	switch {
	case n.kind == want:
		return true
	case want == kindString && (n.kind == kindNumber || n.kind == kindOddNumber || n.kind == kindBool):
		d.fault(n.position, path, "must be text: put it in quotes")
	case n.kind == kindNull && ifNull != "":
		d.fault(n.position, path, "must be %s, but there is nothing: %s", want, ifNull)
	default:
		d.fault(n.position, path, "must be %s, but it is %s", want, n.kind)
	}
	return false
}

func (d *decoder) decodeRaw(n *node, path string, v reflect.Value) {
	if odd := n.findOdd(); odd != nil {
		d.fault(odd.position, path, "%s is not a number in JSON: write a plain decimal number, or put it in quotes if it is text", odd.text)
		return
	}
	v.SetBytes(n.appendJSON(nil))
}

func (n *node) findOdd() *node {
	if n.kind == kindOddNumber {
		return n
	}
	for _, item := range n.items {
		if odd := item.findOdd(); odd != nil {
			return odd
		}
	}
	return nil
}

// decodeText reads durations. A number's text is taken as it is, so that 0
// works and 60 gets the message about units.
func (d *decoder) decodeText(n *node, path string, target encoding.TextUnmarshaler) {
	if n.kind != kindNumber && !d.expect(n, path, kindString, "write a number and a unit, like 15s") {
		return
	}
	if err := target.UnmarshalText([]byte(n.text)); err != nil {
		d.fault(n.position, path, "%s", err)
	}
}

func (d *decoder) decodePointer(n *node, path string, v reflect.Value) {
	if n.kind == kindNull {
		v.SetZero()
		return
	}
	// A fresh value: what the pointer shows may belong to somebody else.
	fresh := reflect.New(v.Type().Elem())
	if !v.IsNil() {
		fresh.Elem().Set(v.Elem())
	}
	d.decode(n, path, fresh.Elem())
	v.Set(fresh)
}

func (d *decoder) decodeStruct(n *node, path string, v reflect.Value) {
	if n.kind == kindNull && path != "" {
		return // a key without anything below: the defaults
	}
	if !d.expect(n, path, kindMap, "") {
		return
	}
	fields := fieldsOf(v.Type())
	for i, k := range n.keys {
		at := childPath(path, k.text)
		index, known := fields.byKey[k.text]
		if !known {
			d.fault(k.position, at, "the key is not known here: use one of %s", strings.Join(fields.keys, ", "))
			continue
		}
		d.decode(n.items[i], at, v.Field(index))
	}
}

func (d *decoder) decodeMap(n *node, path string, v reflect.Value) {
	if n.kind == kindNull {
		v.SetZero()
		return
	}
	if !d.expect(n, path, kindMap, "") {
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.keys))
	for i, k := range n.keys {
		item := reflect.New(v.Type().Elem()).Elem()
		d.decode(n.items[i], childPath(path, k.text), item)
		out.SetMapIndex(reflect.ValueOf(k.text), item)
	}
	v.Set(out)
}

func (d *decoder) decodeSlice(n *node, path string, v reflect.Value) {
	if n.kind == kindNull {
		v.SetZero()
		return
	}
	if !d.expect(n, path, kindList, "") {
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		d.decode(item, itemPath(path, i), out.Index(i))
	}
	v.Set(out)
}

func (d *decoder) decodeNumber(n *node, path string, v reflect.Value) {
	if n.kind == kindOddNumber {
		d.fault(n.position, path, "must be a plain decimal number")
		return
	}
	if !d.expect(n, path, kindNumber, "write a number or leave the key out") {
		return
	}
	if v.CanFloat() {
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil {
			d.fault(n.position, path, "the number is too large")
			return
		}
		v.SetFloat(f)
		return
	}
	i, err := strconv.ParseInt(n.text, 10, v.Type().Bits())
	if err != nil {
		d.fault(n.position, path, "must be a whole number of a sensible size")
		return
	}
	v.SetInt(i)
}

// structFields are the keys of a struct in the file.
type structFields struct {
	keys  []string // in the order of the struct
	byKey map[string]int
}

// knownFields has the structFields of every type that was asked for: the
// types of the domain.
var knownFields sync.Map

func fieldsOf(t reflect.Type) *structFields {
	if known, ok := knownFields.Load(t); ok {
		return known.(*structFields)
	}
	f := &structFields{byKey: make(map[string]int, t.NumField())}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		f.keys = append(f.keys, name)
		f.byKey[name] = i
	}
	knownFields.Store(t, f)
	return f
}

func (d *decoder) checkVersion(root *node, version int) {
	n := root.get("version")
	switch {
	case root.kind != kindMap:
		return // reported
	case n == nil:
		d.fault(root.position, "version", "is missing: write version: %d", formatVersion)
	case n.kind == kindNumber && version != formatVersion:
		d.fault(n.position, "version", "only version %d is known", formatVersion)
	case n.kind == kindNull:
		d.fault(n.position, "version", "is missing: write version: %d", formatVersion)
	}
}

// indexNames demands names and refuses to have one twice: objects are found by
// their name. It gives the index of each.
func (d *decoder) indexNames(root *node, list, nameKey string, clean func(string) string) map[string]int {
	items := root.get(list).list()
	index := make(map[string]int, len(items))
	for i, item := range items {
		path := itemPath(list, i) + "." + nameKey
		n := item.get(nameKey)
		if n == nil && (item.kind == kindMap || item.kind == kindNull) {
			d.fault(item.position, path, "is missing")
		}
		if n == nil || n.kind != kindString {
			continue // missing, or reported as no text
		}
		name := clean(n.text)
		before, twice := index[name]
		switch {
		case name == "":
			d.fault(n.position, path, "is missing")
		case twice:
			d.fault(n.position, path, "%q is used twice, first at line %d: names must be unique", name, items[before].line)
		default:
			index[name] = i
		}
	}
	return index
}

// checkTokens checks tokens here, because Plan keeps nothing but their hashes.
func (d *decoder) checkTokens(root *node, clients []dispatchapy.Client) {
	for i, item := range root.get("clients").list() {
		n := item.get("token")
		if n == nil || i >= len(clients) || clients[i].Token == "" {
			continue
		}
		path := itemPath("clients", i) + ".token"
		if err := dispatchapy.CheckToken(clients[i].Token); err != nil {
			d.fault(n.position, path, "%s", err)
		}
		if clients[i].TokenHash != "" {
			d.fault(n.position, path, "give either token or token_hash")
		}
	}
}
