package httpapi

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dispatchapy/internal/service"
)

// timeLayout is RFC 3339 with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// timestamp is a time as it is sent: in UTC, with milliseconds.
type timestamp time.Time

// MarshalText implements encoding.TextMarshaler.
func (t timestamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format(timeLayout)), nil
}

// Schema implements huma.SchemaProvider.
func (timestamp) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
}

// optionalTime gives null for the zero time.
func optionalTime(t time.Time) *timestamp {
	if t.IsZero() {
		return nil
	}
	sent := timestamp(t)
	return &sent
}

// optional gives null for the zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// milliseconds gives a duration with a resolution of a microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// object is a JSON object that is sent as it was stored.
type object json.RawMessage

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) { return o, nil }

// Schema implements huma.SchemaProvider.
func (object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// anyJSON is JSON that is sent as it was stored.
type anyJSON json.RawMessage

// MarshalJSON implements json.Marshaler.
func (v anyJSON) MarshalJSON() ([]byte, error) { return json.RawMessage(v).MarshalJSON() }

// Schema implements huma.SchemaProvider.
func (anyJSON) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// payload gives a body for embedding into JSON, null if there is none. Bodies
// are checked before they are stored; one that is no JSON nevertheless is
// shown as text, because people look here when something went wrong.
func payload(body []byte) object {
	switch {
	case len(body) == 0:
		return object("null")
	case json.Valid(body):
		return body
	}
	quoted, err := json.Marshal(strings.ToValidUTF8(string(body), "\uFFFD"))
	if err != nil {
		return object("null")
	}
	return quoted
}

// list is a page of a list.
type list[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next" doc:"Cursor of the next page, null at the end"`
}

// answer wraps a body for huma.
type answer[T any] struct{ Body T }

// page makes the answer of a list.
func page[T, U any](p service.Page[T], convert func(*T) U) *answer[list[U]] {
	items := make([]U, len(p.Items))
	for i := range p.Items {
		items[i] = convert(&p.Items[i])
	}
	return &answer[list[U]]{Body: list[U]{Items: items, Next: optional(p.Next)}}
}

// Paging is the input of every list. Like the other inputs that are embedded
// it is exported because huma looks for parameters in no others.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Items per page"`
	Cursor string `query:"cursor" maxLength:"1200" doc:"next of the page before"`
}

func (p *Paging) request() service.PageRequest {
	return service.PageRequest{Cursor: p.Cursor, Limit: p.Limit}
}

// NamePaging is the input of a list by name.
type NamePaging struct {
	Paging
	Text string `query:"q" doc:"Only those whose name contains this, ignoring case"`
}

func (p *NamePaging) request() service.PageRequest {
	r := p.Paging.request()
	r.Text = p.Text
	return r
}

// ByID is the input of an operation on one object.
type ByID struct {
	ID int64 `path:"id" minimum:"1"`
}

// emptyIfNil makes a list [] instead of null.
func emptyIfNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// words is a list of words that may also be given as one string with commas.
type words []string

// UnmarshalJSON implements json.Unmarshaler.
func (w *words) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*w = splitWords([]string{one})
		return nil
	}
	return json.Unmarshal(data, (*[]string)(w))
}

// Schema implements huma.SchemaProvider.
func (words) Schema(huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Schema{OneOf: []*huma.Schema{text, {Type: huma.TypeArray, Items: text}}}
}

// splitWords takes lists with commas apart and drops what is empty.
func splitWords(in []string) []string {
	var out []string
	for _, s := range in {
		for word := range strings.SplitSeq(s, ",") {
			if word = strings.TrimSpace(word); word != "" {
				out = append(out, word)
			}
		}
	}
	return out
}

// typed takes lists with commas apart into words of a type.
func typed[T ~string](in []string) []T {
	var out []T
	for _, word := range splitWords(in) {
		out = append(out, T(word))
	}
	return out
}
