package curl

import (
	"net/textproto"
	"net/url"
	"strings"
)

// command gathers what the arguments of curl say.
type command struct {
	method  string
	address string
	query   string
	headers []Header
	login   string // user:password
	data    []string
	form    []string // of --form
	json    bool     // --json
	get     bool     // --get: data goes into the address
	file    bool
	names   []string // variables
}

// takesValue are the options of curl that are followed by a value, as far as
// they are met in examples. What is missing here is taken for a switch.
var takesValue = func() map[string]bool {
	known := map[string]bool{}
	for name := range strings.FieldsSeq(`
		A b c C d D e E F H K m o P Q r t T u U w x X y Y z
		abstract-unix-socket aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to continue-at cookie cookie-jar
		data data-ascii data-binary data-raw data-urlencode dns-servers doh-url dump-header expect100-timeout form form-string header
		interface json keepalive-time key key-type limit-rate local-port max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer
		output output-dir pass pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-cacert proxy-header proxy-user pubkey quote
		range rate referer request request-target resolve retry retry-delay retry-max-time socks5 socks5-hostname speed-limit speed-time stderr
		tls-max tlsuser tlspassword trace trace-ascii unix-socket upload-file url url-query user user-agent variable write-out`) {
		known[name] = true
	}
	return known
}()

// longNames are the short options that mean something here.
var longNames = map[string]string{
	"X": "request", "H": "header", "d": "data", "u": "user", "A": "user-agent", "e": "referer", "b": "cookie", "F": "form", "G": "get", "T": "upload-file", "I": "head",
}

// read goes through the arguments.
func (c *command) read(words []word) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		value := func() word {
			if i+1 < len(words) {
				i++
				return words[i]
			}
			return word{}
		}
		name, isLong := strings.CutPrefix(w.text, "--")
		switch {
		case program.MatchString(w.text):
			return // another command without a semicolon before it
		case isLong && name == "":
		case isLong && takesValue[name]:
			c.option(name, value())
		case isLong:
			c.option(name, word{})
		case len(w.text) > 1 && w.text[0] == '-':
			c.short(w, value)
		case c.address == "" && w.text != "":
			c.address = w.text
			c.names = append(c.names, w.variables...)
		}
	}
}

// short reads a cluster of short options: -sXPOST is -s -X POST.
func (c *command) short(w word, value func() word) {
	for at := 1; at < len(w.text); at++ {
		name := w.text[at : at+1]
		if !takesValue[name] {
			c.option(longNames[name], word{})
			continue
		}
		v := word{w.text[at+1:], w.variables}
		if v.text == "" {
			v = value()
		}
		c.option(longNames[name], v)
		return
	}
}

// option notes what an option says. Most say nothing about the request.
func (c *command) option(name string, v word) {
	before := len(c.names)
	c.names = append(c.names, v.variables...)
	switch name {
	case "request":
		c.method = v.text
	case "head":
		c.method = "HEAD"
	case "get":
		c.get = true
	case "url":
		if c.address == "" {
			c.address = v.text
		}
	case "url-query":
		c.addQuery(strings.TrimPrefix(encoded(v.text), "="))
	case "header":
		c.header(v.text)
	case "user":
		c.login = v.text
	case "oauth2-bearer":
		c.addHeader("Authorization", "Bearer "+v.text)
	case "user-agent":
		c.addHeader("User-Agent", v.text)
	case "referer":
		c.addHeader("Referer", v.text)
	case "cookie":
		if strings.Contains(v.text, "=") {
			c.addHeader("Cookie", v.text)
		}
	case "json":
		c.json = true
		c.addData(v.text, true)
	case "data", "data-ascii", "data-binary":
		c.addData(v.text, true)
	case "data-raw":
		c.addData(v.text, false)
	case "data-urlencode":
		c.data = append(c.data, encoded(v.text))
	case "form", "form-string":
		c.form = append(c.form, v.text)
	case "upload-file":
		c.file = true
	default:
		c.names = c.names[:before]
	}
}

func (c *command) addData(text string, fromFile bool) {
	if fromFile && strings.HasPrefix(text, "@") {
		c.file = true
		return
	}
	c.data = append(c.data, text)
}

func (c *command) addQuery(pair string) {
	if c.query != "" {
		c.query += "&"
	}
	c.query += pair
}

// encoded is what --data-urlencode makes of name=content.
func encoded(text string) string {
	if name, content, found := strings.Cut(text, "="); found {
		return strings.TrimPrefix(name+"="+url.QueryEscape(content), "=")
	}
	return url.QueryEscape(text)
}

// header reads "Name: value"; "Name;" is a header without a value, and "Name:"
// takes one away.
func (c *command) header(text string) {
	if strings.HasPrefix(text, "@") {
		c.file = true
		return
	}
	name, value, found := strings.Cut(text, ":")
	if !found {
		if name, found = strings.CutSuffix(strings.TrimSpace(text), ";"); !found {
			return
		}
	} else if strings.TrimSpace(value) == "" {
		return
	}
	c.addHeader(strings.TrimSpace(name), strings.TrimSpace(value))
}

// ours are the headers that every request gets anyhow, or that describe a
// connection which is not there any more.
var ours = map[string]bool{"Content-Length": true, "Connection": true, "Transfer-Encoding": true, "Accept-Encoding": true, "Expect": true}

// addHeader adds a header. Of equal ones the last one counts.
func (c *command) addHeader(name, value string) {
	key := textproto.CanonicalMIMEHeaderKey(name)
	if name == "" || ours[key] || strings.ContainsAny(name+value, "\r\n\x00") {
		return
	}
	for i := range c.headers {
		if textproto.CanonicalMIMEHeaderKey(c.headers[i].Name) == key {
			c.headers[i] = Header{name, value}
			return
		}
	}
	c.headers = append(c.headers, Header{name, value})
}
