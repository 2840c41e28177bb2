package sqlite

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"dispatchapy"
)

// details is what is kept of an attempt in one column, because nobody looks for
// it: a column each would cost more in every row. The keys are short for the
// same reason; headers are names and values in turns.
type details struct {
	Method   string   `json:"m,omitempty"`
	URL      string   `json:"u,omitempty"`
	Request  []string `json:"q,omitempty"`
	Response []string `json:"a,omitempty"`
	Omitted  int      `json:"o,omitempty"`
}

// encodeDetails gives nil if there is nothing to keep.
func encodeDetails(a *dispatchapy.Attempt) []byte {
	x := a.Exchange
	if x == nil {
		return nil
	}
	b := make([]byte, 0, 512)
	b = appendText(append(b, `{"m":`...), x.Method)
	b = appendText(append(b, `,"u":`...), x.URL)
	b = appendHeaders(append(b, `,"q":`...), x.Request)
	if x.Response != nil {
		b = appendHeaders(append(b, `,"a":`...), x.Response)
	}
	if x.Omitted > 0 {
		b = strconv.AppendInt(append(b, `,"o":`...), int64(x.Omitted), 10)
	}
	return append(b, '}')
}

// decodeDetails adds to an attempt what was kept of it. What cannot be read is
// taken for nothing: a page about a failed task must not fail for it.
func decodeDetails(a *dispatchapy.Attempt, encoded []byte) {
	var d details
	if len(encoded) == 0 || json.Unmarshal(encoded, &d) != nil {
		return
	}
	if d.Method != "" {
		a.Exchange = &dispatchapy.Exchange{
			Method: d.Method, URL: d.URL, Request: pairs(d.Request), Response: pairs(d.Response), Omitted: d.Omitted,
		}
	}
}

// pairs keeps the difference between no answer and one without headers.
func pairs(list []string) []dispatchapy.Header {
	if list == nil {
		return nil
	}
	headers := make([]dispatchapy.Header, 0, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		headers = append(headers, dispatchapy.Header{Name: list[i], Value: list[i+1]})
	}
	return headers
}

func appendHeaders(b []byte, headers []dispatchapy.Header) []byte {
	b = append(b, '[')
	for i, h := range headers {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, h.Name)
		b = appendText(append(b, ','), h.Value)
	}
	return append(b, ']')
}

// appendText appends a JSON string. Nearly all are plain, for which this is
// several times as fast as package json.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, err := json.Marshal(s)
			if err != nil { // cannot happen to a string
				quoted = []byte(`""`)
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
