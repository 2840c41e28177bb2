package gatewayfile

import (
	"github.com/goccy/go-yaml/token"
)

// checkShape refuses what the YAML library's parser takes quadratic time for:
// deep nesting, very long block maps, and values left out in thousands of
// places.
func checkShape(tokens token.Tokens) error {
	c := shapeChecker{maxGaps: maxGapMoves / max(len(tokens), 1)}
	for _, tk := range tokens {
		if message := c.next(tk); message != "" {
			return &positionError{tk.Position.Line, tk.Position.Column, message}
		}
	}
	return nil
}

type shapeChecker struct {
	brackets []token.Type // that are open, outermost first
	line     int          // of the latest token
	prefixes int          // dashes, anchors and tags on this line
	column   int          // where the line's first key would begin, 0 until known
	maps     []blockMap   // that the latest key is in, outermost first
	gaps     int          // keys and items without a value
	maxGaps  int
}

type blockMap struct{ column, keys int }

const (
	deepMessage     = "lists and maps are nested too deeply"
	longMessage     = "there are too many keys at one place"
	gapsMessage     = "there are too many keys or list items without a value"
	questionMessage = "write keys like \"key: value\", without a question mark before them"
)

// next takes a token and gives a message if it is one too many.
func (c *shapeChecker) next(tk *token.Token) string {
	if tk.Position.Line != c.line {
		c.line, c.prefixes, c.column = tk.Position.Line, 0, 0
	}
	switch tk.Type {
	case token.MappingKeyType:
		return questionMessage
	case token.SequenceEntryType, token.AnchorType, token.TagType:
		c.prefixes++
	case token.MappingStartType, token.SequenceStartType:
		c.brackets = append(c.brackets, tk.Type)
	case token.MappingEndType, token.SequenceEndType:
		c.brackets = c.brackets[:max(len(c.brackets)-1, 0)]
	}
	if len(c.brackets) == 0 {
		c.inBlock(tk)
	} else {
		c.inBrackets(tk)
	}
	switch {
	case len(c.brackets) > maxDepth || c.prefixes > 2*maxDepth || tk.Position.IndentNum > 10*maxDepth:
		return deepMessage
	case len(c.maps) > 0 && c.maps[len(c.maps)-1].keys > maxKeys:
		return longMessage
	case c.gaps > c.maxGaps:
		return gapsMessage
	}
	return ""
}

func (c *shapeChecker) inBlock(tk *token.Token) {
	switch {
	case tk.Type == token.SequenceEntryType:
		c.leave(tk.Position.Column) // the maps in the item before
		c.blockGap(tk, tk.Position.Column)
	case c.column == 0:
		c.column = tk.Position.Column
	case tk.Type == token.MappingValueType:
		c.key()
		c.blockGap(tk, c.column)
	}
}

// key counts a key of a block map.
func (c *shapeChecker) key() {
	c.leave(c.column)
	last := len(c.maps) - 1
	if last < 0 || c.maps[last].column < c.column {
		c.maps = append(c.maps, blockMap{column: c.column, keys: 1})
		return
	}
	c.maps[last].keys++
}

// leave forgets maps that lie deeper than column.
func (c *shapeChecker) leave(column int) {
	for len(c.maps) > 0 && c.maps[len(c.maps)-1].column > column {
		c.maps = c.maps[:len(c.maps)-1]
	}
}

// blockGap counts a colon or dash after which nothing deeper than column
// follows.
func (c *shapeChecker) blockGap(tk *token.Token, column int) {
	next := afterComments(tk)
	switch {
	case next == nil:
		c.gaps++
	case next.Position.Line == tk.Position.Line || next.Position.Column > column:
	case next.Type == token.SequenceEntryType && tk.Type == token.MappingValueType && next.Position.Column == column:
		// A list need not be indented more than its key.
	default:
		c.gaps++
	}
}

// inBrackets counts what is a key without a value there: "a:" or, in a map,
// "a", before a comma or the end.
func (c *shapeChecker) inBrackets(tk *token.Token) {
	if c.column == 0 {
		c.column = tk.Position.Column
	}
	next := afterComments(tk)
	if next == nil || !endsEntry(next) {
		return
	}
	if tk.Type == token.MappingValueType || c.isBareKey(tk) {
		c.gaps++
	}
}

// isBareKey reports whether the token is text where a map has its keys.
func (c *shapeChecker) isBareKey(tk *token.Token) bool {
	if tk.Prev == nil || c.brackets[len(c.brackets)-1] != token.MappingStartType {
		return false
	}
	atKey := tk.Prev.Type == token.MappingStartType || tk.Prev.Type == token.CollectEntryType
	return atKey && !endsEntry(tk) && tk.Type != token.MappingStartType && tk.Type != token.SequenceStartType
}

func endsEntry(tk *token.Token) bool {
	return tk.Type == token.CollectEntryType || tk.Type == token.MappingEndType || tk.Type == token.SequenceEndType
}

func afterComments(tk *token.Token) *token.Token {
	next := tk.Next
	for next != nil && next.Type == token.CommentType {
		next = next.Next
	}
	return next
}
