package transform

import "bytes"

// splice gives a copy of a JSON object with the value at the segments
// replaced, or added if it was absent, and the value that was there (nil if
// absent). All other bytes stay as they are.
func splice(doc []byte, segments []string, value []byte) (out, before []byte) {
	start := skipSpace(doc, 0)
	end := skipValue(doc, start)
	for i, segment := range segments {
		from, to, found := findChild(doc, start, segment)
		if found {
			start, end = from, to
			continue
		}
		rest := segments[i+1:]
		switch _, isIndex := arrayIndex(segment); {
		case doc[start] == '{':
			item := append(appendQuoted(nil, segment), ':')
			return insertLast(doc, start, end, appendNested(item, rest, value)), nil
		case doc[start] == '[' && isIndex:
			return insertLast(doc, start, end, appendNested(nil, rest, value)), nil
		}
		return replace(doc, start, end, appendNested(nil, segments[i:], value)), nil
	}
	return replace(doc, start, end, value), doc[start:end:end]
}

// appendNested appends a value wrapped in one object per segment.
func appendNested(dst []byte, segments []string, value []byte) []byte {
	for _, segment := range segments {
		dst = append(dst, '{')
		dst = append(appendQuoted(dst, segment), ':')
	}
	dst = append(dst, value...)
	for range segments {
		dst = append(dst, '}')
	}
	return dst
}

// insertLast adds an item at the end of the container doc[start:end].
func insertLast(doc []byte, start, end int, item []byte) []byte {
	inside := bytes.TrimRight(doc[start+1:end-1], " \t\r\n")
	at := start + 1 + len(inside)
	if len(inside) > 0 {
		item = append([]byte{','}, item...)
	}
	return replace(doc, at, at, item)
}

// replace gives a copy of doc with doc[start:end] replaced.
func replace(doc []byte, start, end int, by []byte) []byte {
	out := make([]byte, 0, len(doc)-(end-start)+len(by))
	out = append(out, doc[:start]...)
	out = append(out, by...)
	return append(out, doc[end:]...)
}
