package intake

import (
	"bytes"
	"hash/maphash"
	"unicode/utf16"
	"unicode/utf8"
)

// fewKeys is up to how many keys of an object are compared one by one. Beyond,
// an index is faster.
const fewKeys = 16

// key is a key of an object, unescaped. The text stands in the body or, where
// the body has it escaped, in the set's own memory.
type key struct {
	span
	escaped bool
}

// keySet is a stack of the keys of all objects that are open, the innermost on
// top.
type keySet struct {
	data      []byte
	keys      []key
	unescaped []byte
}

// mark is where the keys of an object begin in a keySet.
type mark struct{ keys, unescaped int }

func (s *keySet) mark() mark { return mark{len(s.keys), len(s.unescaped)} }

// release forgets the keys of an object that is closed.
func (s *keySet) release(m mark) {
	s.keys, s.unescaped = s.keys[:m.keys], s.unescaped[:m.unescaped]
}

// text gives a key, unescaped. It is valid until the next call of release.
func (s *keySet) text(k key) []byte {
	if k.escaped {
		return s.unescaped[k.start:k.end]
	}
	return s.data[k.start:k.end]
}

// add adds a key to the innermost object, which begins at m and has the index
// many, and gives it unescaped. isNew is false if the object had it already.
func (s *keySet) add(m mark, many *index, raw span, escaped bool) (name []byte, isNew bool) {
	k := key{raw, escaped}
	if escaped {
		start := len(s.unescaped)
		s.unescaped = appendUnescaped(s.unescaped, s.data[raw.start:raw.end])
		k.span = span{uint32(start), uint32(len(s.unescaped))}
	}
	name = s.text(k)
	if s.has(m, many, name) {
		return name, false
	}
	s.keys = append(s.keys, k)
	if count := len(s.keys) - m.keys; count > fewKeys {
		many.insert(s, m.keys)
	}
	return name, true
}

// has reports whether the object that begins at m has a key.
func (s *keySet) has(m mark, many *index, name []byte) bool {
	if many.slots != nil {
		_, found := many.find(s, name)
		return found
	}
	for _, k := range s.keys[m.keys:] {
		if bytes.Equal(s.text(k), name) {
			return true
		}
	}
	return false
}

// seed makes the positions in an index unknown to callers, who could otherwise
// choose keys that all collide.
var seed = maphash.MakeSeed()

// index finds the keys of an object with many keys: a hash table with open
// addressing, at most half full. Slots hold positions in the keySet plus one.
type index struct {
	slots []uint32
	used  int
}

// insert brings the set's newest key into the index. The first time, and
// whenever it grows, it takes in all keys of the object, which begin at first.
func (x *index) insert(s *keySet, first int) {
	from := len(s.keys) - 1
	if 2*(x.used+1) > len(x.slots) {
		*x = index{slots: make([]uint32, max(4*fewKeys, 2*len(x.slots)))}
		from = first
	}
	for i := from; i < len(s.keys); i++ {
		slot, _ := x.find(s, s.text(s.keys[i]))
		x.slots[slot] = uint32(i + 1)
		x.used++
	}
}

// find gives the slot in which a key is, or would be.
func (x *index) find(s *keySet, name []byte) (slot int, found bool) {
	wrap := len(x.slots) - 1 // the length is a power of two
	for slot = int(maphash.Bytes(seed, name)) & wrap; ; slot = (slot + 1) & wrap {
		i := x.slots[slot]
		if i == 0 {
			return slot, false
		}
		if bytes.Equal(s.text(s.keys[i-1]), name) {
			return slot, true
		}
	}
}

// appendUnescaped appends the text of a string that was checked before.
func appendUnescaped(dst, raw []byte) []byte {
	for {
		plain := bytes.IndexByte(raw, '\\')
		if plain < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:plain]...)
		raw = raw[plain:]
		n := 2
		switch raw[1] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			r, n = decodeUnicodeEscape(raw)
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, raw[1])
		}
		raw = raw[n:]
	}
}

// decodeUnicodeEscape reads the \uXXXX, or the surrogate pair of two of them,
// at the beginning of s. size is 0 if it is no character: r is then the lone
// surrogate, or -1 if there are not four hexadecimal digits.
func decodeUnicodeEscape(s []byte) (r rune, size int) {
	r = hex4(s)
	if r < 0 {
		return -1, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if pair := utf16.DecodeRune(r, hex4(s[6:])); pair != utf8.RuneError {
		return pair, 12
	}
	return r, 0
}

// hex4 gives the value of the \uXXXX at the beginning of s, -1 if there is none.
func hex4(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range s[2:6] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
