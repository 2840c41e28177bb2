package gatewayfile

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parseYAML reads a single YAML document into a tree. Aliases and merge keys
// are resolved.
func (p *treeParser) parseYAML(data []byte) (root *node, err error) {
	// Failure policy: a panic of the YAML library on odd input is a fault of the
	// input to us. The file is refused, the process goes on.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, &positionError{1, 1, "cannot be read as YAML"}
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if err := checkShape(tokens); err != nil {
		return nil, err
	}
	// Keys given twice are found below, where their paths are known.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, yamlError(err)
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			at := positionOf(doc.Body)
			return nil, &positionError{at.line, at.col, "a gateway file is a single YAML document; remove the line \"---\" before this"}
		}
		body = doc.Body
	}
	if body == nil {
		return nil, &positionError{1, 1, fmt.Sprintf("the file is empty: it begins with \"version: %d\"", formatVersion)}
	}
	p.anchors = make(map[string]*node)
	return p.convert(body, "", 0)
}

// yamlError takes message and place out of the library's error, and leaves the
// quoted source behind: it can hold secrets.
func yamlError(err error) error {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil {
		at := y.GetToken().Position
		return &positionError{at.Line, at.Column, "is not valid YAML: " + y.GetMessage()}
	}
	return &positionError{1, 1, "is not valid YAML"}
}

// convert turns a node of the library into one of ours.
func (p *treeParser) convert(n ast.Node, path string, depth int) (*node, error) {
	at := positionOf(n)
	if depth > maxDepth {
		return nil, tooDeep(at)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return p.convertMap(n.Values, at, path, depth)
	case *ast.MappingValueNode:
		return p.convertMap([]*ast.MappingValueNode{n}, at, path, depth)
	case *ast.SequenceNode:
		list := &node{kind: kindList, position: at}
		for i, value := range n.Values {
			item, err := p.convert(value, itemPath(path, i), depth+1)
			if err != nil {
				return nil, err
			}
			list.items = append(list.items, item)
		}
		return list, nil
	case *ast.AnchorNode:
		value, err := p.convert(n.Value, path, depth)
		if err == nil {
			p.anchors[n.Name.GetToken().Value] = value
		}
		return value, err
	case *ast.AliasNode:
		return p.alias(n, at)
	case *ast.TagNode:
		return p.tagged(n, at)
	default:
		return scalar(n, at)
	}
}

func scalar(n ast.Node, at position) (*node, error) {
	switch n := n.(type) {
	case *ast.LiteralNode:
		return &node{kind: kindString, text: n.Value.Value, position: at}, nil
	case *ast.StringNode:
		if n.Token.Type != token.StringType { // in quotes
			return &node{kind: kindString, text: n.Value, position: at}, nil
		}
		return plain(n.Value, at), nil
	case *ast.NullNode:
		return &node{kind: kindNull, position: at}, nil
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return plain(n.GetToken().Value, at), nil
	}
	return nil, &positionError{at.line, at.col, "is not a value that a gateway file can have"}
}

func plain(text string, at position) *node {
	n := &node{kind: plainKind(text), text: text, position: at}
	switch {
	case n.kind == kindNull:
		n.text = ""
	case n.kind == kindBool && (text[0] == 't' || text[0] == 'T'):
		n.text = "true"
	case n.kind == kindBool:
		n.text = "false"
	}
	return n
}

// alias gives what the anchor stands for. The sum of all that aliases stand
// for is bounded: a few nested ones can expand to any size.
func (p *treeParser) alias(n *ast.AliasNode, at position) (*node, error) {
	target := p.anchors[n.Value.GetToken().Value]
	if target == nil {
		return nil, &positionError{at.line, at.col, "there is no anchor of this name before"}
	}
	p.expanded += target.size(MaxSize - p.expanded)
	if p.expanded >= MaxSize {
		return nil, &positionError{at.line, at.col, "aliases expand to too much text"}
	}
	return target, nil
}

// size estimates the written length of the node; it stops counting at limit.
func (n *node) size(limit int) int {
	sum := len(n.text) + 8
	for _, k := range n.keys {
		sum += len(k.text) + 4
	}
	for _, item := range n.items {
		if sum >= limit {
			break
		}
		sum += item.size(limit - sum)
	}
	return sum
}

// tagged accepts the one tag that is of use: !!str.
func (p *treeParser) tagged(n *ast.TagNode, at position) (*node, error) {
	if n.Start.Value != "!!str" {
		return nil, &positionError{at.line, at.col, "YAML tags other than !!str are not used here: remove it"}
	}
	value, err := scalar(n.Value, at)
	if err != nil {
		return nil, err
	}
	value.kind = kindString
	return value, nil
}

func (p *treeParser) convertMap(values []*ast.MappingValueNode, at position, path string, depth int) (*node, error) {
	b := p.newMap(path, at)
	var merges []*node
	for _, entry := range values {
		name, err := keyOf(entry.Key)
		if err != nil {
			return nil, err
		}
		value, err := p.convert(entry.Value, childPath(path, name.text), depth+1)
		if err != nil {
			return nil, err
		}
		if _, merge := entry.Key.(*ast.MergeKeyNode); merge {
			merges = append(merges, value)
			continue
		}
		b.add(name, value)
	}
	return b.node, mergeInto(b.node, merges)
}

func keyOf(n ast.MapKeyNode) (key, error) {
	at := positionOf(n)
	switch n := n.(type) {
	case *ast.StringNode:
		return key{n.Value, at}, nil
	case *ast.MergeKeyNode, *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return key{n.GetToken().Value, at}, nil
	}
	return key{}, &positionError{at.line, at.col, "a key must be plain text"}
}

// mergeInto adds the keys of merged maps ("<<: *name") that n does not have.
func mergeInto(n *node, merges []*node) error {
	have := make(map[string]bool, len(n.keys))
	for _, k := range n.keys {
		have[k.text] = true
	}
	for len(merges) > 0 {
		m := merges[0]
		merges = merges[1:]
		switch m.kind {
		case kindList:
			for _, item := range m.items {
				if item.kind != kindMap {
					return &positionError{item.line, item.col, "only maps can be merged with <<"}
				}
			}
			merges = append(append([]*node{}, m.items...), merges...)
		case kindMap:
			for i, k := range m.keys {
				if !have[k.text] {
					have[k.text] = true
					n.add(k, m.items[i])
				}
			}
		default:
			return &positionError{m.line, m.col, "only maps can be merged with <<"}
		}
	}
	return nil
}

// positionOf gives the place at which a value begins to a reader's eye.
func positionOf(n ast.Node) position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return positionOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return positionOf(n.Key)
	}
	tk := n.GetToken()
	if tk == nil || tk.Position == nil {
		return position{1, 1}
	}
	return position{tk.Position.Line, max(tk.Position.Column, 1)}
}
