package deliver

import (
	"net/http"
	"slices"
	"strings"

	"dispatchapy"
)

// maxShownHeaders is how much is kept of an answer's headers, names and values
// together, in bytes. The longest are left out.
const maxShownHeaders = 4 << 10

const keyHeader = "Idempotency-Key"

// shown gives what can be shown of every request to a target: method, URL and
// headers. The resource's own headers are masked, and what was made of the
// credentials in its URL.
func (t *Target) shown(prepared *http.Request) *dispatchapy.Exchange {
	x := &dispatchapy.Exchange{Method: prepared.Method, URL: dispatchapy.MaskURL(t.URL)}
	for name, values := range prepared.Header {
		value := strings.Join(values, ", ")
		if _, own := t.Header[name]; own || dispatchapy.SecretName(name) {
			value = dispatchapy.Redacted
		}
		if name != keyHeader { // every message has its own
			x.Request = append(x.Request, dispatchapy.Header{Name: name, Value: value})
		}
	}
	if prepared.Host != "" {
		x.Request = append(x.Request, dispatchapy.Header{Name: "Host", Value: dispatchapy.Redacted})
	}
	slices.SortFunc(x.Request, byName)
	return x
}

func byName(a, b dispatchapy.Header) int { return strings.Compare(a.Name, b.Name) }

// exchange gives what can be shown of one attempt. header is that of the
// answer, nil if there was none.
func (c *Client) exchange(t *Target, key string, header http.Header) *dispatchapy.Exchange {
	same := t.line
	if same == nil {
		base, err := t.base()
		if err != nil {
			return nil
		}
		same = t.shown(base)
	}
	x := &dispatchapy.Exchange{Method: same.Method, URL: same.URL, Request: make([]dispatchapy.Header, 0, len(same.Request)+2)}
	x.Request = append(x.Request, same.Request...)
	if key != "" {
		x.Request = append(x.Request, dispatchapy.Header{Name: keyHeader, Value: key})
	}
	if _, own := t.Header["User-Agent"]; !own {
		x.Request = append(x.Request, dispatchapy.Header{Name: "User-Agent", Value: c.userAgent[0]})
	}
	x.Response, x.Omitted = shownAnswer(header)
	return x
}

// shownAnswer masks what is secret in an answer and leaves out what is too long.
func shownAnswer(header http.Header) (shown []dispatchapy.Header, omitted int) {
	if header == nil {
		return nil, 0
	}
	shown = make([]dispatchapy.Header, 0, len(header))
	size := 0
	for name, values := range header {
		for _, value := range values {
			if dispatchapy.SecretName(name) {
				value = maskedAnswer(name, value)
			}
			shown = append(shown, dispatchapy.Header{Name: name, Value: value})
			size += len(name) + len(value)
		}
	}
	if size > maxShownHeaders {
		shown, omitted = withoutLongest(shown, size)
	}
	slices.SortStableFunc(shown, byName)
	return shown, omitted
}

// maskedAnswer keeps which cookie was set and how one has to sign in, for
// whoever looks for a fault.
func maskedAnswer(name, value string) string {
	switch name {
	case "Set-Cookie":
		cookie, _, _ := strings.Cut(value, "=")
		_, attributes, more := strings.Cut(value, ";")
		masked := cookie + "=" + dispatchapy.Redacted
		if more {
			masked += ";" + attributes
		}
		return masked
	case "Www-Authenticate", "Proxy-Authenticate":
		if scheme, _, more := strings.Cut(value, " "); more {
			return scheme + " " + dispatchapy.Redacted
		}
	}
	return dispatchapy.Redacted
}

func withoutLongest(shown []dispatchapy.Header, size int) (kept []dispatchapy.Header, omitted int) {
	slices.SortFunc(shown, func(a, b dispatchapy.Header) int {
		return len(b.Name) + len(b.Value) - len(a.Name) - len(a.Value)
	})
	for size > maxShownHeaders {
		size -= len(shown[omitted].Name) + len(shown[omitted].Value)
		omitted++
	}
	return slices.Clip(shown[omitted:]), omitted
}
