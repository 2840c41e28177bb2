package apidocs

import (
	"net/http"
	"strings"
	"unicode"

	"dispatchapy"
)

// Curl gives a command for a shell that makes the request of an attempt once
// more. In the place of what is masked it takes environment variables: of a
// header X-Key it is $SECRET_X_KEY. A provider that knows the attempt's
// Idempotency-Key does nothing twice.
func Curl(x *dispatchapy.Exchange, body []byte) string {
	var b strings.Builder
	b.WriteString("curl --globoff")
	if x.Method != http.MethodPost || len(body) == 0 {
		b.WriteString(" -X " + quoteShell(x.Method))
	}
	b.WriteString(" " + curlURL(x.URL))
	for _, h := range x.Request {
		switch h.Name {
		case "Accept-Encoding": // what curl asks for it can also read
			b.WriteString(" \\\n  --compressed")
			continue
		case "Content-Length":
			continue
		}
		b.WriteString(" \\\n  -H ")
		if h.Value == dispatchapy.Redacted {
			b.WriteString(quoteShell(h.Name+": ") + secretVariable(h.Name))
			continue
		}
		b.WriteString(quoteShell(h.Name + ": " + h.Value))
	}
	if len(body) > 0 {
		b.WriteString(" \\\n  --data-raw " + quoteShell(string(body)))
	}
	b.WriteByte('\n')
	return b.String()
}

// curlURL quotes a URL whose masked values are at the end of pairs of its query.
func curlURL(u string) string {
	var b strings.Builder
	for {
		before, after, masked := strings.Cut(u, "="+dispatchapy.Redacted)
		if !masked {
			break
		}
		b.WriteString(quoteShell(before+"=") + secretVariable(before[strings.LastIndexAny(before, "?&")+1:]))
		u = after
	}
	if u != "" || b.Len() == 0 {
		b.WriteString(quoteShell(u))
	}
	return b.String()
}

// secretVariable names the environment variable for a masked value.
func secretVariable(name string) string {
	return `"$SECRET_` + strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToUpper(r)
		}
		return '_'
	}, name) + `"`
}
