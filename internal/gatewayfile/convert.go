package gatewayfile

import (
	"bytes"
	"encoding/json"

	"dispatchapy"
)

// ToJSON turns the text of one object, YAML or JSON, into JSON. The name stands
// in messages, before line and column. Values keep their digits. The error is a
// *dispatchapy.Error with CodeInvalid or CodeTooLarge.
func ToJSON(name string, data []byte) (json.RawMessage, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is empty", name)
	}
	root, faults, err := parseTree(name, data)
	if err != nil {
		return nil, err
	}
	d := &decoder{file: name, faults: faults}
	if root.kind != kindMap {
		d.fault(root.position, "", "must be an object: keys with values")
	}
	d.refuseOdd(root, "")
	return root.appendJSON(nil), d.err()
}

// refuseOdd finds numbers that JSON cannot write.
func (d *decoder) refuseOdd(n *node, path string) {
	if n.kind == kindOddNumber {
		d.fault(n.position, path, "%s is a number to YAML and none to JSON: put text into quotes", n.text)
	}
	for i, item := range n.items {
		at := path
		if n.kind == kindMap {
			at = below(path, n.keys[i].text)
		}
		d.refuseOdd(item, at)
	}
}

// ToYAML turns a JSON object into YAML, keys in their order, in the form in
// which gateway files are written.
func ToYAML(data []byte) ([]byte, error) {
	if !json.Valid(data) {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "not valid JSON")
	}
	root, err := (&treeParser{}).parseJSON(data)
	if err != nil {
		return nil, err
	}
	w := &yamlWriter{}
	if root.kind != kindMap || len(root.items) == 0 {
		w.value(root, 0)
		return bytes.TrimPrefix(w.out, []byte(" ")), nil
	}
	w.block(root, 0)
	return w.out, nil
}
