package curl

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// simpleEscapes are those of $'...' that stand for one character.
var simpleEscapes = map[byte]byte{
	'a': '\a', 'b': '\b', 'e': 0x1b, 'E': 0x1b, 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
	'\\': '\\', '\'': '\'', '"': '"', '?': '?',
}

// ansiQuoted takes $'...', in which backslashes mean what they do in C.
func (l *lexer) ansiQuoted() error {
	l.open = true
	for l.rest = l.rest[2:]; l.rest != ""; {
		switch {
		case l.rest[0] == '\'':
			l.rest = l.rest[1:]
			return nil
		case l.rest[0] == '\\' && len(l.rest) > 1:
			l.escape()
		default:
			_, size := utf8.DecodeRuneInString(l.rest)
			l.take(0, size)
		}
	}
	return errQuote
}

// escape takes one escape of $'...'. What is none stays as it is written.
func (l *lexer) escape() {
	kind := l.rest[1]
	if c, simple := simpleEscapes[kind]; simple {
		l.current.WriteByte(c)
		l.rest = l.rest[2:]
		return
	}
	switch {
	case kind == 'x':
		l.coded(2, 2, 16, false)
	case kind == 'u':
		l.coded(2, 4, 16, true)
	case kind == 'U':
		l.coded(2, 8, 16, true)
	case kind >= '0' && kind <= '7':
		l.coded(1, 3, 8, false)
	default:
		l.take(0, 1)
	}
}

// coded takes an escape that gives the number of a byte, or of a character, in
// up to most digits that stand behind skip bytes.
func (l *lexer) coded(skip, most, base int, isRune bool) {
	digits := strings.ToLower(l.rest[skip:min(skip+most, len(l.rest))])
	end := 0
	for end < len(digits) && strings.IndexByte("0123456789abcdef"[:base], digits[end]) >= 0 {
		end++
	}
	code, err := strconv.ParseUint(digits[:end], base, 32)
	if err != nil {
		l.take(0, 1)
		return
	}
	if isRune {
		l.current.WriteRune(rune(code))
	} else {
		l.current.WriteByte(byte(code))
	}
	l.rest = l.rest[skip+end:]
}
