package transform

import (
	"bytes"
	"encoding/json"
	"strings"
)

// cast is the kind of value that a source must give: one of
// dispatchapy.ValueTypes, or "" for any.
type cast string

const (
	castNone    cast = ""
	castString  cast = "string"
	castNumber  cast = "number"
	castInteger cast = "integer"
	castBoolean cast = "boolean"
	castJSON    cast = "json"
)

// article gives the kind as the end of "cannot become ...".
func (c cast) article() string {
	switch c {
	case castInteger:
		return "an integer"
	case castJSON:
		return "JSON"
	}
	return "a " + string(c)
}

// append appends a value in compact form, cast. It reports false, and has
// appended nothing, if the value cannot become that kind. Numbers are never
// computed with, only their text is judged, so no digit is lost. Null stays
// null.
func (c cast) append(dst, value []byte) ([]byte, bool) {
	if isNull(value) {
		return append(dst, value...), true
	}
	switch c {
	case castNone:
		return appendCompact(dst, value), true
	case castString:
		if value[0] == '"' {
			return append(dst, value...), true
		}
		return appendQuoted(dst, text(value)), true
	case castNumber:
		number, ok := numberText(value)
		return append(dst, number...), ok
	case castInteger:
		number, ok := integerText(value)
		return append(dst, number...), ok
	case castBoolean:
		word, ok := booleanText(value)
		return append(dst, word...), ok
	case castJSON:
		return appendEmbedded(dst, value)
	}
	return dst, false
}

// scalarText gives the text of a string or a number.
func scalarText(value []byte) []byte {
	if value[0] == '"' {
		return bytes.TrimSpace(unquote(value))
	}
	return value
}

// numberText accepts a number, and a string that holds one as JSON writes it:
// "12.50", but neither "007" nor "1,5".
func numberText(value []byte) ([]byte, bool) {
	number := scalarText(value)
	if len(number) == 0 || (number[0] != '-' && (number[0] < '0' || number[0] > '9')) || !json.Valid(number) {
		return nil, false
	}
	return number, true
}

// integerText accepts a number without exponent whose decimals, if any, are
// all zero; they are left out. It does not round: 12.5 is refused.
func integerText(value []byte) ([]byte, bool) {
	number, ok := numberText(value)
	if !ok || bytes.ContainsAny(number, "eE") {
		return nil, false
	}
	whole, decimals, _ := bytes.Cut(number, []byte("."))
	if len(bytes.Trim(decimals, "0")) > 0 {
		return nil, false
	}
	return whole, true
}

// booleanText accepts true and false, 1 and 0, and strings that hold one of
// these.
func booleanText(value []byte) (string, bool) {
	switch strings.ToLower(string(scalarText(value))) {
	case "true", "1":
		return "true", true
	case "false", "0":
		return "false", true
	}
	return "", false
}

// appendEmbedded turns a string that contains JSON into that JSON; any other
// value stays.
func appendEmbedded(dst, value []byte) ([]byte, bool) {
	if value[0] != '"' {
		return appendCompact(dst, value), true
	}
	inner := unquote(value)
	if !json.Valid(inner) {
		return dst, false
	}
	return appendCompact(dst, bytes.Trim(inner, " \t\r\n")), true
}
