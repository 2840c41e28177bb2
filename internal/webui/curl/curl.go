// Package curl reads what people copy out of a provider's documentation: a curl
// command or an address. It is a pure function of the text; nothing is run or
// asked for.
package curl

import (
	"encoding/base64"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxText is how long a text may be, in bytes.
const MaxText = 256 << 10

// The errors of Parse.
var (
	ErrEmpty   = errors.New("there is nothing to read")
	ErrTooLong = errors.New("the text is too long")
	ErrQuote   = errQuote
	ErrNoURL   = errors.New("there is no address in it")
	ErrURL     = errors.New("the address is not one of http or https")
)

// Request is what the text says about a request.
type Request struct {
	Method  string // "": the text does not say
	URL     string
	Headers []Header
	Body    string // JSON if Form is false; "": none

	// What a person has to be told about.
	Form      bool     // the provider takes a form; Body is the same as JSON
	File      bool     // a body or a header stands in a file, which is not here
	Variables []string // names of variables that a shell would have filled in
}

// Header is a header in the order of the text.
type Header struct{ Name, Value string }

// Parse reads a curl command, an address, or an address behind a method.
func Parse(text string) (Request, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Request{}, ErrEmpty
	case len(text) > MaxText:
		return Request{}, ErrTooLong
	case !utf8.ValidString(text):
		return Request{}, ErrNoURL
	}
	words, err := splitWords(unixed(text))
	if err != nil {
		return Request{}, err
	}
	at := slices.IndexFunc(words, func(w word) bool { return program.MatchString(w.text) })
	if at < 0 {
		return plain(words)
	}
	c := &command{}
	c.read(words[at+1:])
	return c.request()
}

// program is curl by whatever path.
var program = regexp.MustCompile(`(?i)^(.*[/\\])?curl(\.exe)?$`)

// windows are signs of a command for the command prompt of Windows.
var windows = regexp.MustCompile(`\^\r?\n|\^"`)

// unixed rewrites a command for the command prompt of Windows, which escapes by
// carets, into one for other shells.
func unixed(text string) string {
	if !windows.MatchString(text) {
		return text
	}
	text = strings.NewReplacer("^\r\n", " ", "^\n", " ").Replace(text)
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '^' && i+1 < len(text) {
			i++
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

// plain reads an address, or one behind a method.
func plain(words []word) (Request, error) {
	r := Request{}
	if len(words) > 1 && isMethod(words[0].text) {
		r.Method, words = words[0].text, words[1:]
	}
	if len(words) == 0 || len(words) > 1 && !strings.Contains(words[0].text, "://") {
		return Request{}, ErrNoURL
	}
	c := &command{method: r.Method, address: words[0].text, names: words[0].variables}
	if !strings.ContainsAny(c.address, ".:/") {
		return Request{}, ErrNoURL
	}
	return c.request()
}

func isMethod(s string) bool {
	return len(s) >= 3 && len(s) <= 7 && !strings.ContainsFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// request puts together what was read.
func (c *command) request() (Request, error) {
	if c.address == "" {
		return Request{}, ErrNoURL
	}
	if c.get && len(c.data) > 0 {
		c.addQuery(strings.Join(c.data, "&"))
		c.data = nil
	}
	if c.get && c.method == "" {
		c.method = "GET"
	}
	address, user, err := cleanURL(c.address, c.query)
	if err != nil {
		return Request{}, err
	}
	r := Request{Method: strings.ToUpper(c.method), URL: address, File: c.file}
	if user != "" {
		c.login = user
	}
	if c.login != "" {
		c.addHeader("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.login)))
	}
	c.finishBody(&r)
	r.Headers = c.headers
	if len(c.names) > 0 {
		slices.Sort(c.names)
		r.Variables = slices.Compact(c.names)
	}
	return r, nil
}

// cleanURL gives the address as a resource can have it: with a scheme, and
// without user and password, which become a header.
func cleanURL(address, query string) (cleaned, login string, err error) {
	if !strings.Contains(address, "://") {
		address = schemeFor(address) + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", "", ErrURL
	}
	if u.User != nil {
		password, _ := u.User.Password()
		login = u.User.Username() + ":" + password
	}
	if query == "" && u.User == nil && u.Fragment == "" {
		return address, "", nil // as it was written
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if query != "" && u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	if query != "" {
		u.RawQuery = query
	}
	cleaned = u.String()
	if _, err := url.Parse(cleaned); err != nil { // data that became a part of it
		return "", "", ErrURL
	}
	return cleaned, login, nil
}

// schemeFor guesses how an address without a scheme is reached.
func schemeFor(address string) string {
	host, _, _ := strings.Cut(address, "/")
	host, _, _ = strings.Cut(host, ":")
	if host == "localhost" || !strings.ContainsFunc(host, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) {
		return "http://"
	}
	return "https://"
}
