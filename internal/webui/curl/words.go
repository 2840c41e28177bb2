package curl

import (
	"errors"
	"strings"
	"unicode/utf8"
)

var errQuote = errors.New("a quotation mark is not closed")

// word is what a shell would hand over as one argument.
type word struct {
	text      string
	variables []string // names of variables in it that a shell would have filled in
}

// splitWords takes a command apart as a shell does: quotation marks of all
// kinds, backslashes, lines that go on, comments. A line break ends nothing,
// because backslashes at ends of lines get lost in copying; but what follows
// a pipe, a semicolon or an ampersand is another command.
func splitWords(text string) ([]word, error) {
	l := lexer{rest: text}
	for l.rest != "" && !l.ended {
		if err := l.step(); err != nil {
			return nil, err
		}
	}
	l.finish()
	return l.words, nil
}

type lexer struct {
	rest    string
	words   []word
	current strings.Builder
	names   []string // variables of the current word
	open    bool     // within a word, be it empty
	ended   bool     // another command begins
}

// step takes what comes next.
func (l *lexer) step() error {
	switch c := l.rest[0]; {
	case strings.HasPrefix(l.rest, "\\\n"), strings.HasPrefix(l.rest, "\\\r\n"):
		_, l.rest, _ = strings.Cut(l.rest, "\n")
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		l.finish()
		l.rest = l.rest[1:]
	case c == '#' && !l.open:
		_, l.rest, _ = strings.Cut(l.rest, "\n")
	case c == '|', !l.open && strings.IndexByte(";&<>)", c) >= 0:
		l.ended = true
	case c == '\\':
		l.open = true
		_, size := utf8.DecodeRuneInString(l.rest[1:])
		l.take(1, 1+size)
	case c == '\'':
		return l.singleQuoted()
	case c == '"':
		return l.doubleQuoted()
	case strings.HasPrefix(l.rest, `$'`):
		return l.ansiQuoted()
	case strings.HasPrefix(l.rest, `$"`):
		l.rest = l.rest[1:]
	default:
		l.plain()
	}
	return nil
}

// take moves the bytes from skip to end into the current word.
func (l *lexer) take(skip, end int) {
	l.current.WriteString(l.rest[skip:end])
	l.rest = l.rest[end:]
}

// plain takes a character that means itself, and notes variables.
func (l *lexer) plain() {
	l.open = true
	if name := variable(l.rest); name != "" {
		l.names = append(l.names, name)
	}
	_, size := utf8.DecodeRuneInString(l.rest)
	l.take(0, size)
}

func (l *lexer) finish() {
	if l.open {
		l.words = append(l.words, word{l.current.String(), l.names})
	}
	l.current.Reset()
	l.open, l.names = false, nil
}

func (l *lexer) singleQuoted() error {
	end := strings.IndexByte(l.rest[1:], '\'')
	if end < 0 {
		return errQuote
	}
	l.open = true
	l.take(1, 1+end)
	l.rest = l.rest[1:]
	return nil
}

func (l *lexer) doubleQuoted() error {
	l.open = true
	for l.rest = l.rest[1:]; l.rest != ""; {
		switch {
		case l.rest[0] == '"':
			l.rest = l.rest[1:]
			return nil
		case strings.HasPrefix(l.rest, "\\\n"):
			l.rest = l.rest[2:]
		case len(l.rest) > 1 && l.rest[0] == '\\' && strings.IndexByte("$`\"\\", l.rest[1]) >= 0:
			l.take(1, 2)
		default:
			l.plain()
		}
	}
	return errQuote
}

// variable gives the name of the variable that a text begins with; "" if it
// begins with none.
func variable(text string) string {
	name, found := strings.CutPrefix(text, "$")
	if !found {
		return ""
	}
	name = strings.TrimPrefix(name, "{")
	end := 0
	for end < len(name) && (name[end] == '_' || isLetter(name[end]) || end > 0 && isDigit(name[end])) {
		end++
	}
	return name[:end]
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
