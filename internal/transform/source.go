package transform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Env is what a mapping may know besides the payload.
type Env struct {
	// Seed is the root of generated UUIDs. The same seed and target key give
	// the same UUID, so a task repeated at a resource carries the same one.
	Seed [32]byte
	// Now is the time of the attempt.
	Now time.Time
}

// source gives the value of one target key.
type source interface {
	// append appends the value in compact form. found is false if there is
	// none. The error, a phrase about the kind of a value that cannot be cast,
	// never tells the value. Without a value nothing is appended.
	append(dst []byte, in *input) (out []byte, found bool, err error)
}

// input is what sources read.
type input struct {
	payload Payload
	env     Env
}

// constantSource gives the same JSON always.
type constantSource []byte

func (s constantSource) append(dst []byte, _ *input) ([]byte, bool, error) {
	return append(dst, s...), true, nil
}

// nowSource gives the time of the attempt with milliseconds, in UTC.
type nowSource struct{}

func (nowSource) append(dst []byte, in *input) ([]byte, bool, error) {
	return in.env.Now.UTC().AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`), true, nil
}

// uuidSource gives a version 4 UUID whose random bits are a hash of the seed
// and the target key.
type uuidSource struct{ target string }

func (s uuidSource) append(dst []byte, in *input) ([]byte, bool, error) {
	var space [128]byte // keeps the usual key from costing an allocation
	sum := sha256.Sum256(append(append(space[:0], in.env.Seed[:]...), s.target...))
	id := sum[:16]
	id[6] = id[6]&0x0f | 0x40 // version 4: random
	id[8] = id[8]&0x3f | 0x80 // RFC 9562 variant
	dst = append(dst, '"')
	for i, field := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, field)
	}
	return append(dst, '"'), true, nil
}

// fieldSource gives a value of the payload.
type fieldSource struct {
	at       path
	cast     cast
	fallback []byte // nil: none
}

func (s *fieldSource) append(dst []byte, in *input) ([]byte, bool, error) {
	value, ok := in.payload.present(s.at)
	if !ok {
		return appendFallback(dst, s.fallback)
	}
	dst, ok = s.cast.append(dst, value)
	if !ok {
		return dst, false, fmt.Errorf("the payload's %q is %s that cannot become %s; correct the payload or the mapping's type",
			s.at.plain, kindOf(value), s.cast.article())
	}
	return dst, true, nil
}

// templateSource gives text composed of values of the payload.
type templateSource struct {
	template template
	cast     cast
	fallback []byte // nil: none
}

func (s *templateSource) append(dst []byte, in *input) ([]byte, bool, error) {
	mark := len(dst)
	dst, filled := s.template.append(dst, &in.payload)
	if filled == 0 && s.template.placeholders > 0 && s.fallback != nil {
		return appendFallback(dst[:mark], s.fallback)
	}
	if s.cast == castNone || s.cast == castString {
		return dst, true, nil
	}
	composed := bytes.Clone(dst[mark:])
	dst, ok := s.cast.append(dst[:mark], composed)
	if !ok {
		return dst, false, fmt.Errorf("the template's text is a string that cannot become %s; correct the payload or the mapping's type",
			s.cast.article())
	}
	return dst, true, nil
}

func appendFallback(dst, fallback []byte) ([]byte, bool, error) {
	return append(dst, fallback...), fallback != nil, nil
}
