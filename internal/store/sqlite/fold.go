package sqlite

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// foldText makes text comparable without regard to case.
func foldText(text string) string { return strings.ToLower(text) }

// foldJSON makes a payload comparable with text that people type: without
// regard to case, and with the escapes of its strings resolved. It takes
// whatever it gets; what is not a proper escape stays as it is.
func foldJSON(payload []byte) string {
	if bytes.IndexByte(payload, '\\') < 0 {
		return foldText(string(payload))
	}
	plain := make([]byte, 0, len(payload))
	for len(payload) > 0 {
		next := bytes.IndexByte(payload, '\\')
		if next < 0 {
			next = len(payload)
		}
		plain = append(plain, payload[:next]...)
		payload = payload[next:]
		if len(payload) == 0 {
			break
		}
		char, size := unescape(payload)
		if size == 0 {
			char, size = '\\', 1
		}
		plain = utf8.AppendRune(plain, char)
		payload = payload[size:]
	}
	return foldText(string(plain))
}

// unescape reads the escape at the start of text. A size of 0: there is none.
func unescape(text []byte) (char rune, size int) {
	if len(text) < 2 {
		return 0, 0
	}
	switch c := text[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	char, ok := unescapeUnit(text)
	if !ok {
		return 0, 0
	}
	if low, ok := unescapeUnit(text[6:]); ok {
		if pair := utf16.DecodeRune(char, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return char, 6
}

// unescapeUnit reads a UTF-16 unit, backslash u and four digits.
func unescapeUnit(text []byte) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
