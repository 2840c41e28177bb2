package transform

import (
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

// outcome says what a source did.
type outcome int

const (
	written outcome = iota // the value was appended
	absent                 // there is none; nothing was appended
	refused                // the value cannot be cast; nothing was appended
)

// source gives the value of one target key.
type source interface {
	append(dst []byte, in *input) ([]byte, outcome)
	// refusal explains an outcome refused, without telling the value.
	refusal(in *input) string
}

// input is what sources read.
type input struct {
	payload Payload
	env     Env
}

// infallible is embedded by the sources that never refuse.
type infallible struct{}

func (infallible) refusal(*input) string { return "" }

// constantSource gives the same JSON always.
type constantSource struct {
	infallible
	value []byte
}

func (s *constantSource) append(dst []byte, _ *input) ([]byte, outcome) {
	return append(dst, s.value...), written
}

// nowSource gives the time of the attempt with milliseconds, in UTC.
type nowSource struct{ infallible }

func (nowSource) append(dst []byte, in *input) ([]byte, outcome) {
	return in.env.Now.UTC().AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`), written
}

// uuidSource gives a version 4 UUID whose random bits are a hash of the seed
// and the target key.
type uuidSource struct {
	infallible
	target string
}

func (s *uuidSource) append(dst []byte, in *input) ([]byte, outcome) {
	var space [128]byte
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
	return append(dst, '"'), written
}

// fieldSource gives a value of the payload.
type fieldSource struct {
	at       path
	cast     cast
	fallback []byte // nil: none
}

func (s *fieldSource) append(dst []byte, in *input) ([]byte, outcome) {
	value, ok := in.payload.present(s.at)
	if !ok {
		return appendFallback(dst, s.fallback)
	}
	dst, ok = s.cast.append(dst, value)
	if !ok {
		return dst, refused
	}
	return dst, written
}

func (s *fieldSource) refusal(in *input) string {
	value, _ := in.payload.lookup(s.at)
	return fmt.Sprintf("the payload's %q is %s that cannot become %s; correct the payload or the mapping's type",
		s.at.plain, kindOf(value), s.cast.article())
}

// templateSource gives text composed of values of the payload.
type templateSource struct {
	template template
	cast     cast
	fallback []byte // nil: none
}

func (s *templateSource) append(dst []byte, in *input) ([]byte, outcome) {
	mark := len(dst)
	dst, filled := s.template.append(dst, &in.payload)
	if filled == 0 && s.template.placeholders > 0 && s.fallback != nil {
		return appendFallback(dst[:mark], s.fallback)
	}
	if s.cast == castNone || s.cast == castString {
		return dst, written
	}
	composed := append([]byte(nil), dst[mark:]...)
	dst, ok := s.cast.append(dst[:mark], composed)
	if !ok {
		return dst, refused
	}
	return dst, written
}

func (s *templateSource) refusal(*input) string {
	return fmt.Sprintf("the template's text is a string that cannot become %s; correct the payload or the mapping's type",
		s.cast.article())
}

func appendFallback(dst, fallback []byte) ([]byte, outcome) {
	if fallback == nil {
		return dst, absent
	}
	return append(dst, fallback...), written
}
