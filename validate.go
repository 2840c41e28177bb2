package dispatchapy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits that Validate keeps.
const (
	MaxNameLength  = 200 // characters of a name, a path or a key
	MinTokenLength = 8
	MaxTokenLength = 200
	MaxOldTokens   = 5
	MaxRules       = 200 // of one client or endpoint
	MinTimeout     = 100 * time.Millisecond
	MaxTimeout     = 5 * time.Minute
	MaxAttempts    = 1000
	MaxTaskDelay   = 24 * time.Hour
	MaxAfterDays   = 36_500 // 100 years
	MinAuditDays   = 30
	MinSession     = 5 * time.Minute
	MaxSession     = 90 * 24 * time.Hour
	MaxRate        = 1_000_000
	MaxFlapChanges = 20                   // their times are kept
	MaxWait        = 365 * 24 * time.Hour // of whatever else takes or allows a time
)

// Validate checks the whole graph after Normalize. The error is nil or an
// *Error with CodeInvalid that lists every fault, with paths as in the gateway
// file. What needs compiling (placeholders of templates, target keys that
// exclude each other) is checked where it is compiled.
func (c *Config) Validate() error {
	v := &validator{
		resources: make(map[string]bool, len(c.Resources)),
		endpoints: make(map[string]bool, len(c.Endpoints)),
		channels:  make(map[string]bool, len(c.Settings.Alerts.Channels)),
		settings:  &c.Settings,
	}
	for i := range c.Settings.Alerts.Channels {
		v.channels[c.Settings.Alerts.Channels[i].Name] = true
	}
	for i := range c.Resources {
		v.resources[c.Resources[i].Name] = true
	}
	for i := range c.Endpoints {
		v.endpoints[c.Endpoints[i].Path] = true
	}
	root := place{v: v}
	c.Settings.validate(root.field("settings"))
	seen := make(map[string]bool, len(c.Resources))
	for i := range c.Resources {
		at := root.item("resources", i)
		at.unique(seen, "name", c.Resources[i].Name)
		c.Resources[i].validate(at)
	}
	seen = make(map[string]bool, len(c.Endpoints))
	for i := range c.Endpoints {
		at := root.item("endpoints", i)
		at.unique(seen, "path", c.Endpoints[i].Path)
		c.Endpoints[i].validate(at)
	}
	validateClients(root, c.Clients)
	return v.err()
}

// validator gathers faults and knows what can be referred to.
type validator struct {
	resources map[string]bool
	endpoints map[string]bool
	channels  map[string]bool
	settings  *Settings
	faults    []FieldError
}

func (v *validator) err() error {
	if len(v.faults) == 0 {
		return nil
	}
	return &Error{Code: CodeInvalid, Message: "the configuration is not valid", Fields: v.faults}
}

// place is a position in the graph, written as in the gateway file.
type place struct {
	v    *validator
	path string
}

func (p place) field(key string) place {
	if p.path == "" {
		return place{v: p.v, path: key}
	}
	return place{v: p.v, path: p.path + "." + key}
}

func (p place) index(i int) place {
	return place{v: p.v, path: fmt.Sprintf("%s[%d]", p.path, i)}
}

func (p place) item(key string, i int) place { return p.field(key).index(i) }

// fault notes what is wrong here and what to do about it.
func (p place) fault(format string, args ...any) {
	p.v.faults = append(p.v.faults, FieldError{Path: p.path, Message: fmt.Sprintf(format, args...)})
}

// check notes a fault unless ok.
func (p place) check(ok bool, format string, args ...any) {
	if !ok {
		p.fault(format, args...)
	}
}

// unique notes a fault at field key if its value was seen before.
func (p place) unique(seen map[string]bool, key, value string) {
	if value == "" {
		return // reported as missing
	}
	p.field(key).check(!seen[value], "%q is used twice: names must be unique", value)
	seen[value] = true
}

// name checks a name or a key that people gave.
func (p place) name(s string) {
	switch {
	case s == "":
		p.fault("is missing")
	case !utf8.ValidString(s):
		p.fault("must be valid UTF-8")
	case utf8.RuneCountInString(s) > MaxNameLength:
		p.fault("must have at most %d characters", MaxNameLength)
	case strings.ContainsFunc(s, unicode.IsControl):
		p.fault("must not contain control characters such as line breaks")
	}
}

// names checks a list of keys, which must not repeat.
func (p place) names(list []string) {
	seen := make(map[string]bool, len(list))
	for i, s := range list {
		at := p.index(i)
		at.name(s)
		at.check(!seen[s], "%q is repeated", s)
		seen[s] = true
	}
}

// between notes a fault unless low <= value <= high.
func between[T int | int64 | float64 | Duration](p place, value, low, high T) {
	// Written so that NaN is a fault.
	p.check(value >= low && value <= high, "must be between %v and %v", low, high)
}

// notOver notes a fault if a time is so long that calculating with it could
// overflow.
func (p place) notOver(d Duration) {
	p.check(d <= Duration(MaxWait), "must be at most %s", Duration(MaxWait))
}

// oneOf notes a fault unless value is one of known.
func oneOf[T ~string](p place, value T, known ...T) {
	if slices.Contains(known, value) {
		return
	}
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	p.fault("%q is not known: use one of %s", string(value), strings.Join(words, ", "))
}

// sortedKeys makes the order of faults the same every time.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

func (s *Settings) validate(at place) {
	between(at.field("max_attempts"), s.MaxAttempts, 1, MaxAttempts)
	delay := at.field("task_delay")
	between(delay.field("min"), s.TaskDelay.Min, 0, Duration(MaxTaskDelay))
	between(delay.field("max"), s.TaskDelay.Max, 0, Duration(MaxTaskDelay))
	delay.check(s.TaskDelay.Min <= s.TaskDelay.Max, "min must not be greater than max")

	retry := at.field("retry")
	s.Retry.validate(retry, allRetryFields)
	between(at.field("cleanup").field("after_days"), s.Cleanup.AfterDays, 1, MaxAfterDays)
	if days := s.Cleanup.AuditDays; days != 0 {
		at.field("cleanup").field("audit_days").check(days >= MinAuditDays && days <= MaxAfterDays,
			"must be between %d and %d, or 0: nothing is deleted", MinAuditDays, MaxAfterDays)
	}
	s.Sessions.validate(at.field("sessions"))
	if s.SMTP != nil {
		s.SMTP.validate(at.field("smtp"))
	}
	s.Alerts.validate(at.field("alerts"))
	s.StatusPage.validate(at.field("status_page"))
}

func (s *Sessions) validate(at place) {
	between(at.field("idle"), s.Idle, Duration(MinSession), Duration(MaxSession))
	between(at.field("absolute"), s.Absolute, Duration(MinSession), Duration(MaxSession))
	at.field("idle").check(s.Idle <= s.Absolute, "must not be longer than absolute, which is %s", s.Absolute)
}

// retryFields says which fields of a policy are to be judged: those that were
// given at the place where faults are reported.
type retryFields struct{ base, factor, cap, jitter, maxAge bool }

var allRetryFields = retryFields{true, true, true, true, true}

func (r *RetryPolicy) validate(at place, given retryFields) {
	if given.base {
		at.field("base").check(r.Base > 0, "must be greater than 0, like 2s")
	}
	if given.factor {
		between(at.field("factor"), r.Factor, 1, 100)
	}
	if given.cap || given.base {
		at.field("cap").check(r.Cap >= r.Base, "%s must not be less than base, which is %s", r.Cap, r.Base)
		at.field("cap").notOver(r.Cap)
	}
	if given.jitter {
		between(at.field("jitter"), r.Jitter, 0, 1)
	}
	if given.maxAge {
		at.field("max_age").check(r.MaxAge >= 0, "must not be negative; 0s means no limit")
		at.field("max_age").notOver(r.MaxAge)
	}
}

// Bounds of what stands in the settings of a mail server, in bytes.
const (
	maxHost     = 253 // as long as a name can be
	maxMailText = 1000
)

func (s *SMTP) validate(at place) {
	at.field("password").check(!s.Password.Masked(), notMasked)
	at.field("host").check(s.Host != "" && !strings.ContainsFunc(s.Host, isSpaceOrControl),
		"must be the mail server's name or address")
	at.field("host").check(len(s.Host) <= maxHost, "must have at most %d bytes", maxHost)
	between(at.field("port"), s.Port, 1, 65535)
	at.field("username").check(!strings.ContainsFunc(s.Username, unicode.IsControl), "must not contain control characters")
	at.field("username").check(len(s.Username) <= maxMailText, "must have at most %d bytes", maxMailText)
	at.field("password").check(len(s.Password) <= maxMailText, "must have at most %d bytes", maxMailText)
	at.field("from").address(s.From)
	oneOf(at.field("encryption"), s.Encryption, EncryptionSTARTTLS, EncryptionTLS, EncryptionNone)
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
