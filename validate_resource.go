package dispatchapy

import (
	"encoding/json"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Methods are the HTTP methods with which a resource can be called.
var Methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func (r *Resource) validate(at place) {
	at.field("name").name(r.Name)
	at.field("url").url(r.URL)
	oneOf(at.field("method"), r.Method, Methods...)
	at.field("headers").headers(r.Headers)
	at.field("required_params").names(r.RequiredParams)
	between(at.field("timeout"), r.Timeout, Duration(MinTimeout), Duration(MaxTimeout))
	at.field("concurrency").check(r.Concurrency >= 0, "must not be negative; 0 means no limit")
	if l := r.RateLimit; l != nil {
		limit := at.field("rate_limit")
		limit.field("requests").check(l.Requests >= 1 && l.Requests <= MaxRate,
			"must be between 1 and %d; for no limit leave rate_limit out, to send nothing set active: false", MaxRate)
		limit.field("per").check(l.Per > 0, "must be greater than 0, like 1s")
		limit.field("per").notOver(l.Per)
		between(limit.field("burst"), l.Burst, 1, MaxRate)
	}
	r.HealthCheck.validate(at.field("health_check"), r.RequiredParams)
	at.field("maintenance").check(len(r.Maintenance) <= MaxMaintenance, "must have at most %d entries", MaxMaintenance)
	for i := range r.Maintenance {
		r.Maintenance[i].validate(at.item("maintenance", i))
	}
	if r.Notify != nil {
		r.Notify.validate(at.field("notify"))
	}
	if r.Alerts != nil {
		r.Alerts.validate(at.field("alerts"))
	}
}

func (h *HealthCheck) validate(at place, required []string) {
	oneOf(at.field("method"), h.Method, CheckSimple, CheckActual)
	interval := at.field("interval")
	interval.field("min").check(h.Interval.Min >= Duration(time.Second), "must be at least 1s")
	interval.field("max").check(h.Interval.Max >= h.Interval.Min, "must not be less than min")
	interval.field("max").notOver(h.Interval.Max)
	between(at.field("down_after"), h.DownAfter, 1, 100)
	between(at.field("up_after"), h.UpAfter, 1, 100)
	flap := at.field("flap")
	between(flap.field("changes"), h.Flap.Changes, 2, MaxFlapChanges)
	between(flap.field("within"), h.Flap.Within, Duration(10*time.Second), Duration(24*time.Hour))
	remind := at.field("remind_every")
	remind.check(h.RemindEvery == 0 || h.RemindEvery >= Duration(time.Minute), "must be at least 1m, or 0s: no reminders")
	remind.notOver(h.RemindEvery)

	values := at.field("test_values")
	for _, key := range sortedKeys(h.TestValues) {
		values.field(key).json(h.TestValues[key])
	}
	if h.Method != CheckActual {
		return
	}
	var missing []string
	for _, param := range required {
		if _, ok := h.TestValues[param]; !ok {
			missing = append(missing, param)
		}
	}
	values.check(len(missing) == 0,
		"health check method 'actual' requires test values for parameters: %s", strings.Join(missing, ", "))
}

// url checks an address to which requests are made. Messages do not repeat it:
// a query string can hold a key.
func (p place) url(s string) {
	if s == "" {
		p.fault("is missing")
		return
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		p.fault("is not a URL; write it like https://api.example.com/send")
	case u.Scheme != "http" && u.Scheme != "https":
		p.fault("must begin with http:// or https://")
	case u.Hostname() == "":
		p.fault("must name a host, like https://api.example.com/send")
	case u.User != nil:
		p.fault("must not contain a user name or password; put them into a header")
	case !validPort(u):
		p.fault("must have a port between 1 and 65535, or none")
	}
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return true
	}
	port, err := strconv.Atoi(u.Port())
	return err == nil && port >= 1 && port <= 65535
}

func (p place) headers(headers map[string]Secret) {
	seen := make(map[string]string, len(headers))
	for _, name := range sortedKeys(headers) {
		at := p.field(name)
		at.check(isHeaderName(name), "%q cannot be a header name: use letters, digits and hyphens", name)
		at.check(isHeaderValue(headers[name].Reveal()), "the value must not contain line breaks or other control characters")
		at.check(!headers[name].Masked(), notMasked)
		canonical := http.CanonicalHeaderKey(name)
		if other, ok := seen[canonical]; ok {
			at.fault("is the same header as %q: upper and lower case make no difference", other)
		}
		seen[canonical] = name
	}
}

// isHeaderName reports whether s is a token as RFC 9110 has it.
func isHeaderName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		isAlnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !isAlnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// isHeaderValue reports whether s can stand in a header: no control character
// but tab.
func isHeaderValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// address checks an email address.
func (p place) address(s string) {
	if s == "" {
		p.fault("is missing: write an address like ops@example.com")
		return
	}
	if len(s) > maxMailText {
		p.fault("must have at most %d bytes", maxMailText)
		return
	}
	if _, err := mail.ParseAddress(s); err != nil {
		p.fault("%q is not an email address: write it like ops@example.com", s)
	}
}

// json checks a raw value.
func (p place) json(raw json.RawMessage) {
	if len(raw) == 0 {
		p.fault("is missing")
		return
	}
	p.check(json.Valid(raw), "must be valid JSON")
}
