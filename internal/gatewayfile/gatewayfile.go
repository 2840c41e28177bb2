// Package gatewayfile reads and writes the gateway file, the YAML or JSON form
// of a configuration, and works out what applying it changes.
//
// A file goes through three forms: text, a tree of nodes that know their line
// and column, and the types of package dispatchapy. The last step follows the
// json tags of those types in both directions, so that a field added there is
// a key of the file without a word here.
package gatewayfile

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"dispatchapy"
)

// Limits of a file. They keep a hostile one from costing more than a large
// honest one: 10,000 objects are some 5 MB with 500,000 marks.
const (
	MaxSize = 16 << 20 // bytes

	maxMarks  = 2_000_000 // characters that can begin a value, a key or a comment
	maxDepth  = 100       // nested lists and maps
	maxKeys   = 5_000     // of one map in YAML's block style
	maxFaults = 100       // faults that are reported

	// maxGapMoves bounds the values left out in YAML's block style times the
	// file's tokens: for each of them the library moves all tokens after it.
	maxGapMoves = 1_000_000_000
)

// File is a gateway file that was read without fault. What its objects mean
// together with the configuration they are applied to is found out by Plan and
// by dispatchapy.Config.Validate.
type File struct {
	name     string
	root     *node
	settings *node // nil if the file has none
	objects  dispatchapy.Config

	// index finds objects in the lists of the file, by list and name.
	index map[string]map[string]int

	// planned is the result of the latest Plan, for Locate.
	planned *dispatchapy.Config
}

// document is the file's outermost object.
type document struct {
	Version   int                    `json:"version"`
	Settings  dispatchapy.Settings   `json:"settings"`
	Resources []dispatchapy.Resource `json:"resources"`
	Endpoints []dispatchapy.Endpoint `json:"endpoints"`
	Clients   []dispatchapy.Client   `json:"clients"`
}

// formatVersion is the value of the key version.
const formatVersion = 1

// Parse reads a file, YAML or JSON. The name stands in messages, before line
// and column. The error is a *dispatchapy.Error with CodeInvalid (CodeTooLarge
// for a file over MaxSize) that lists all faults found.
func Parse(name string, data []byte) (*File, error) {
	name = filepath.Base(name)
	root, faults, err := parseTree(name, data)
	if err != nil {
		return nil, err
	}
	d := &decoder{file: name, faults: faults}
	doc := document{Settings: dispatchapy.DefaultSettings()}
	d.decodeInto(root, "", &doc)
	d.checkVersion(root, doc.Version)
	index := map[string]map[string]int{
		"resources": d.indexNames(root, "resources", "name", strings.TrimSpace),
		"endpoints": d.indexNames(root, "endpoints", "path", dispatchapy.CleanPath),
		"clients":   d.indexNames(root, "clients", "name", strings.TrimSpace),
	}
	d.checkTokens(root, doc.Clients)
	if err := d.err(); err != nil {
		return nil, err
	}
	return &File{
		name:     name,
		root:     root,
		settings: root.get("settings"),
		objects:  dispatchapy.Config{Resources: doc.Resources, Endpoints: doc.Endpoints, Clients: doc.Clients},
		index:    index,
	}, nil
}

// parseTree reads the text. The faults are keys given twice.
func parseTree(name string, data []byte) (*node, []dispatchapy.FieldError, error) {
	if len(data) > MaxSize {
		return nil, nil, dispatchapy.Errorf(dispatchapy.CodeTooLarge, "%s is larger than %d MiB", name, MaxSize>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if at := invalidUTF8(data); at >= 0 {
		line, col := lineAndColumn(data, at)
		return nil, nil, syntaxError(name, &positionError{line, col, "is not valid UTF-8"})
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is empty: a gateway file begins with \"version: %d\"", name, formatVersion)
	}
	if countMarks(data) > maxMarks {
		return nil, nil, dispatchapy.Errorf(dispatchapy.CodeTooLarge, "%s has too many values", name)
	}
	p := &treeParser{file: name}
	root, err := p.parse(data)
	if err != nil {
		return nil, nil, syntaxError(name, err)
	}
	return root, p.duplicates, nil
}

// syntaxError reports the one place at which reading stopped.
func syntaxError(name string, err error) error {
	return &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: fmt.Sprintf("%s:%s", name, err)}
}

func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

func countMarks(data []byte) int {
	n := 0
	for _, c := range data {
		switch c {
		case ',', ':', '-', '?', '[', '{', '\n', '&', '*', '!', '#':
			n++
		}
	}
	return n
}

// Name is the file's name as it stands in messages.
func (f *File) Name() string { return f.name }
