package dispatchapy

import (
	"net/url"
	"strings"
)

// Exchange is what went over the line in one attempt, apart from the bodies.
// Secrets are masked before it is kept.
type Exchange struct {
	Method   string
	URL      string   // without credentials, secret values of the query masked
	Request  []Header // as sent; the resource's own ones masked
	Response []Header // of the answer, up to a limit; nil: there was none
	Omitted  int      // headers of the answer that were left out
}

// Header is one header of a request or an answer.
type Header struct{ Name, Value string }

// secretWords are parts of the names of headers and query keys whose values are
// secret more often than not.
var secretWords = []string{"auth", "cookie", "credential", "key", "pass", "pwd", "secret", "session", "sig", "token"}

// SecretName reports whether what has this name, a header or a key of a query,
// is not to be shown. The key that makes a request idempotent is no secret.
func SecretName(name string) bool {
	name = strings.ToLower(name)
	if name == "idempotency-key" {
		return false
	}
	for _, word := range secretWords {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// MaskURL gives a URL to be shown: without credentials, and with secret values
// of its query masked. What cannot be read as a URL is masked as a whole.
func MaskURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return Redacted
	}
	u.User = nil
	if u.RawQuery == "" {
		return u.String()
	}
	// By hand, so that order and spelling of the rest stay as they are sent.
	pairs := strings.Split(u.RawQuery, "&")
	for i, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		if value != "" && (err != nil || SecretName(name)) {
			pairs[i] = key + "=" + Redacted
		}
	}
	u.RawQuery = strings.Join(pairs, "&")
	return u.String()
}
