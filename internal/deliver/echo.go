package deliver

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"dispatchapy"
)

// minEcho is the length of the shortest secret that is looked for in answers,
// in bytes. Shorter ones would be found by chance.
const minEcho = 8

// echoes are the secrets that a target is sent. Some providers, and many test
// servers, repeat the headers or the address of a request in their answer, where
// those may read them who may not read secrets.
type echoes [][]byte

// newEchoes gathers the values of headers that have the name of a secret, and
// those of a URL's query. Other headers, such as Accept, have values that mean
// something in any answer.
func newEchoes(header http.Header, address string) (secrets echoes) {
	add := func(texts ...string) {
		for _, secret := range texts {
			if len(secret) >= minEcho {
				secrets = append(secrets, []byte(secret))
			}
		}
	}
	for name, values := range header {
		if !dispatchapy.SecretName(name) {
			continue
		}
		for _, value := range values {
			_, token, _ := strings.Cut(value, " ") // Bearer TOKEN
			add(value, token)
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		return secrets // nothing is ever sent there
	}
	password, _ := u.User.Password()
	add(password)
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		if err == nil && !dispatchapy.SecretName(name) {
			continue
		}
		add(value) // as it is sent
		if plain, err := url.QueryUnescape(value); err == nil && plain != value {
			add(plain)
		}
	}
	return secrets
}

// mask gives an answer's body without the secrets.
func (e echoes) mask(body []byte) []byte {
	for _, secret := range e {
		if bytes.Contains(body, secret) {
			body = bytes.ReplaceAll(body, secret, []byte(dispatchapy.Redacted))
		}
	}
	return body
}

// maskHeader takes the secrets out of an answer's headers.
func (e echoes) maskHeader(header http.Header) {
	for _, secret := range e {
		for _, values := range header {
			for i := range values {
				values[i] = strings.ReplaceAll(values[i], string(secret), dispatchapy.Redacted)
			}
		}
	}
}
