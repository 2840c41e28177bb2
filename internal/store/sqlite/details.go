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
	Place    int      `json:"p,omitempty"`
	Routes   int      `json:"r,omitempty"`
	Passed   []passed `json:"w,omitempty"`
}

type passed struct {
	ResourceID int64  `json:"r"`
	Why        string `json:"w"`
}

// encodeDetails gives nil if there is nothing to keep.
func encodeDetails(a *dispatchapy.Attempt) []byte {
	if a.Exchange == nil && a.Place == 0 {
		return nil
	}
	b := append(make([]byte, 0, 512), '{')
	b = appendNumber(b, `"p":`, a.Place)
	b = appendNumber(b, `,"r":`, a.Routes)
	for i, p := range a.PassedOver {
		separator := `},{"r":`
		if i == 0 {
			separator = `,"w":[{"r":`
		}
		b = strconv.AppendInt(append(b, separator...), p.ResourceID, 10)
		b = appendText(append(b, `,"w":`...), p.Why)
	}
	if len(a.PassedOver) > 0 {
		b = append(b, `}]`...)
	}
	if x := a.Exchange; x != nil {
		b = appendExchange(append(b, ','), x)
	}
	return append(b, '}')
}

func appendExchange(b []byte, x *dispatchapy.Exchange) []byte {
	b = appendText(append(b, `"m":`...), x.Method)
	b = appendText(append(b, `,"u":`...), x.URL)
	b = appendHeaders(append(b, `,"q":`...), x.Request)
	if x.Response != nil {
		b = appendHeaders(append(b, `,"a":`...), x.Response)
	}
	if x.Omitted > 0 {
		b = appendNumber(b, `,"o":`, x.Omitted)
	}
	return b
}

func appendNumber(b []byte, key string, n int) []byte {
	return strconv.AppendInt(append(b, key...), int64(n), 10)
}

// decodeDetails adds to an attempt what was kept of it. What cannot be read is
// taken for nothing: a page about a failed task must not fail for it.
func decodeDetails(a *dispatchapy.Attempt, encoded []byte) {
	var d details
	if len(encoded) == 0 || json.Unmarshal(encoded, &d) != nil {
		return
	}
	a.Place, a.Routes = d.Place, d.Routes
	for _, p := range d.Passed {
		a.PassedOver = append(a.PassedOver, dispatchapy.PassedOver(p))
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

// encodeLogData gives nil if a line says all that there is to say.
func encodeLogData(d dispatchapy.LogData) ([]byte, error) {
	if d == (dispatchapy.LogData{}) {
		return nil, nil
	}
	return json.Marshal(d)
}

// decodeLogData takes what cannot be read for nothing, like decodeDetails.
func decodeLogData(encoded []byte) (d dispatchapy.LogData) {
	if len(encoded) > 0 && json.Unmarshal(encoded, &d) != nil {
		return dispatchapy.LogData{}
	}
	return d
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
