package webui

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
)

// The configuration of a resource is one form in sections, each of which can be
// saved alone: what is written in the others stays as it is.
var resourceSections = []string{"destination", "headers", "keys", "health", "limits", "maintenance", "active"}

// resourceFields are the fields of each section: names, and lists of rows,
// which end in "[".
var resourceFields = map[string][]string{
	"destination": {"name", "url", "method", "timeout"},
	"headers":     {"headers["},
	"keys":        {"required_params["},
	"health": {
		"health_check.enabled", "health_check.method", "health_check.interval.min", "health_check.interval.max",
		"health_check.down_after", "health_check.up_after", "health_check.flap.changes", "health_check.flap.within", "health_check.remind_every", "test_values[",
	},
	"limits":      {"concurrency", "rate_limit.requests", "rate_limit.per", "rate_limit.burst"},
	"maintenance": {"once[", "weekly["},
	"active":      {"active"},
}

// fillResource writes a resource into the form, as it is stored.
func (f *Form) fillResource(r *dispatchapy.Resource) {
	f.Set("name", r.Name)
	f.Set("url", r.URL)
	f.Set("method", r.Method)
	f.Set("timeout", r.Timeout.String())
	f.fillHeaders("headers", r.Headers)
	for i, key := range r.RequiredParams {
		f.Set(At("required_params", i, ""), key)
	}
	h := &r.HealthCheck
	f.SetOn("health_check.enabled", h.Enabled)
	f.Set("health_check.method", string(h.Method))
	f.Set("health_check.interval.min", h.Interval.Min.String())
	f.Set("health_check.interval.max", h.Interval.Max.String())
	f.Set("health_check.down_after", strconv.Itoa(h.DownAfter))
	f.Set("health_check.up_after", strconv.Itoa(h.UpAfter))
	f.Set("health_check.flap.changes", strconv.Itoa(h.Flap.Changes))
	f.Set("health_check.flap.within", h.Flap.Within.String())
	if h.RemindEvery != 0 {
		f.Set("health_check.remind_every", h.RemindEvery.String())
	}
	f.fillTestValues(r)
	f.fillMaintenance(r.Maintenance)
	f.Set("concurrency", blankZero(r.Concurrency))
	if l := r.RateLimit; l != nil {
		f.Set("rate_limit.requests", strconv.Itoa(l.Requests))
		f.Set("rate_limit.per", l.Per.String())
		f.Set("rate_limit.burst", strconv.Itoa(l.Burst))
	}
	f.SetOn("active", r.IsActive())
}

func blankZero(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// fillHeaders writes headers whose values are not shown: what stands in "kept"
// names the stored one, which stays where no value is given.
func (f *Form) fillHeaders(list string, headers map[string]dispatchapy.Secret) {
	for i, name := range slices.Sorted(maps.Keys(headers)) {
		f.Set(At(list, i, "name"), name)
		f.Set(At(list, i, "value"), "")
		f.Set(At(list, i, "kept"), name)
	}
}

// fillTestValues writes a row for every key of the resource, then for what else
// has a test value.
func (f *Form) fillTestValues(r *dispatchapy.Resource) {
	keys := slices.Clone(r.RequiredParams)
	for _, key := range slices.Sorted(maps.Keys(r.HealthCheck.TestValues)) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for i, key := range keys {
		f.Set(At("test_values", i, "key"), key)
		f.Set(At("test_values", i, "value"), toWords(r.HealthCheck.TestValues[key]))
	}
}

// readResource reads the sections into a resource. Values that cannot be read
// are faults of the form.
func (f *Form) readResource(r *dispatchapy.Resource, sections ...string) {
	for _, section := range sections {
		switch section {
		case "destination":
			r.Name, r.URL, r.Method, r.Timeout = f.Value("name"), f.Value("url"), f.Value("method"), f.Duration("timeout")
		case "headers":
			r.Headers = f.readHeaders("headers")
		case "keys":
			r.RequiredParams = f.readKeys()
		case "health":
			f.readHealth(&r.HealthCheck)
		case "limits":
			r.Concurrency, r.RateLimit = f.Whole("concurrency"), f.readRate()
		case "maintenance":
			r.Maintenance = f.readMaintenance()
		case "active":
			on := f.On("active")
			r.Active = &on
		}
	}
}

func (f *Form) readKeys() []string {
	f.compact("required_params", "")
	var keys []string
	for i := range f.Rows("required_params") {
		keys = append(keys, strings.TrimSpace(f.Value(At("required_params", i, ""))))
	}
	return keys
}

// readHeaders reads headers. One without a value that is stored keeps it, also
// under another name.
func (f *Form) readHeaders(list string) map[string]dispatchapy.Secret {
	f.compact(list, "name", "value")
	headers := map[string]dispatchapy.Secret{}
	for i := range f.Rows(list) {
		name, kept := strings.TrimSpace(f.Value(At(list, i, "name"))), f.Value(At(list, i, "kept"))
		value := dispatchapy.Secret(strings.TrimSpace(f.Value(At(list, i, "value"))))
		switch {
		case value == "" && kept == name && kept != "":
			value = dispatchapy.Redacted
		case value == "" && kept != "":
			value = dispatchapy.RedactedOf(kept)
		}
		if _, twice := headers[name]; twice {
			f.Refuse(At(list, i, "name"), "There are two of this name.")
			continue
		}
		headers[name] = value
	}
	if len(headers) == 0 {
		return nil
	}
	return headers
}

func (f *Form) readHealth(h *dispatchapy.HealthCheck) {
	h.Enabled = f.On("health_check.enabled")
	h.Method = dispatchapy.CheckMethod(f.Value("health_check.method"))
	h.Interval.Min, h.Interval.Max = f.Duration("health_check.interval.min"), f.Duration("health_check.interval.max")
	h.DownAfter, h.UpAfter = f.Whole("health_check.down_after"), f.Whole("health_check.up_after")
	h.Flap.Changes, h.Flap.Within = f.Whole("health_check.flap.changes"), f.Duration("health_check.flap.within")
	h.RemindEvery = f.Duration("health_check.remind_every")
	f.compact("test_values", "key", "value")
	h.TestValues = nil
	for i := range f.Rows("test_values") {
		key, value := strings.TrimSpace(f.Value(At("test_values", i, "key"))), fromWords(f.Value(At("test_values", i, "value")))
		if len(value) == 0 {
			continue // not given
		}
		if h.TestValues == nil {
			h.TestValues = map[string]json.RawMessage{}
		}
		if key == "" {
			f.Refuse(At("test_values", i, "key"), "Which key is it for?")
			continue
		}
		h.TestValues[key] = value
	}
}

func (f *Form) readRate() *dispatchapy.RateLimit {
	if strings.TrimSpace(f.Value("rate_limit.requests")) == "" {
		return nil
	}
	return &dispatchapy.RateLimit{Requests: f.Whole("rate_limit.requests"), Per: f.Duration("rate_limit.per"), Burst: f.Whole("rate_limit.burst")}
}

// compact closes the gaps that rows leave in which nothing was written.
func (f *Form) compact(list string, fields ...string) {
	var kept []row
	for _, r := range f.takeRows(list) {
		if slices.ContainsFunc(fields, func(name string) bool {
			values := r[name]
			if name != "" {
				values = r["."+name]
			}
			return len(values) > 0 && strings.TrimSpace(values[0]) != ""
		}) {
			kept = append(kept, r)
		}
	}
	f.putRows(list, kept)
}

// placeFaults gives faults that name a header or a key the row in which it
// stands.
func (f *Form) placeFaults() {
	for i := range f.Faults {
		fault := &f.Faults[i]
		for _, list := range []string{"headers", "notify.webhook.headers", "notify.webhook.secrets", "webhook.headers", "webhook.secrets"} {
			if name, found := strings.CutPrefix(fault.Path, list+"."); found {
				field := "value"
				if isAboutName(f.worded[fault.Message]) {
					field = "name"
				}
				fault.Path = f.rowWith(list, "name", name, field, fault.Path)
			}
		}
		if key, found := strings.CutPrefix(fault.Path, "health_check.test_values."); found {
			fault.Path = f.rowWith("test_values", "key", key, "value", fault.Path)
		}
		var at int
		if n, _ := fmt.Sscanf(fault.Path, "maintenance[%d]", &at); n == 1 {
			_, rest, _ := strings.Cut(fault.Path, "]")
			fault.Path = f.placeMaintenance(at, strings.TrimPrefix(rest, "."))
		}
		for _, list := range []string{"notify.email.to", "email.to"} {
			if strings.HasPrefix(fault.Path, list+"[") {
				fault.Path = list
			}
		}
	}
}

// isAboutName reports whether a fault of a header or a secret is one of its name.
func isAboutName(worded string) bool {
	return strings.Contains(worded, "header name") || strings.Contains(worded, "same header") || strings.Contains(worded, "name of a secret")
}

// rowWith names a field of the row in which another one has a value.
func (f *Form) rowWith(list, field, value, wanted, otherwise string) string {
	for i := range f.Rows(list) {
		if strings.TrimSpace(f.Value(At(list, i, field))) == value {
			return At(list, i, wanted)
		}
	}
	return otherwise
}

// section tells in which section a field of the form stands; "" if in none.
func sectionOf(field string) string {
	for _, section := range resourceSections {
		for _, own := range resourceFields[section] {
			if field == own || strings.HasSuffix(own, "[") && strings.HasPrefix(field, own) {
				return section
			}
		}
	}
	return ""
}

// written gives what stands in a section, so that two states of it can be
// compared.
func (f *Form) written(section string) string {
	var lines []string
	for name, values := range f.values {
		if key, isKey := strings.CutSuffix(name, "].key"); isKey && strings.TrimSpace(f.Value(key+"].value")) == "" {
			continue // a key without a test value
		}
		if sectionOf(name) == section && len(values) > 0 && values[0] != "" {
			lines = append(lines, fmt.Sprintf("%s=%q", name, values))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// takeSection makes a section what it is in another form.
func (f *Form) takeSection(section string, from *Form) {
	maps.DeleteFunc(f.values, func(name string, _ []string) bool { return sectionOf(name) == section })
	for name, values := range from.values {
		if sectionOf(name) == section {
			f.values[name] = values
		}
	}
}

// labelResource says what the fields are called where faults are listed.
func (f *Form) labelResource() {
	f.Labels = map[string]string{
		"paste": f.lang.T("Fill in from the provider's documentation"), "name": f.lang.T("Name"), "url": "URL", "method": f.lang.T("Method"), "timeout": f.lang.T("Timeout"),
		"health_check.method": f.lang.T("How"), "health_check.interval.min": f.lang.T("Every, at least"), "health_check.interval.max": f.lang.T("and at most"),
		"health_check.down_after": f.lang.T("Down after failures in a row"), "health_check.up_after": f.lang.T("Up after successes in a row"), "health_check.test_values": f.lang.T("Test values"),
		"health_check.flap.changes": f.lang.T("Changes"), "health_check.flap.within": f.lang.T("within"), "health_check.remind_every": f.lang.T("Remind every"),
		"concurrency": f.lang.T("Requests at the same time"), "rate_limit.requests": f.lang.T("Requests"), "rate_limit.per": f.lang.T("per"), "rate_limit.burst": f.lang.T("At once"),
	}
	for list, label := range map[string]string{"headers": f.lang.T("Header"), "required_params": f.lang.T("Key"), "test_values": f.lang.T("Test value"), "once": f.lang.T("Maintenance, once"), "weekly": f.lang.T("Maintenance, every week")} {
		for i := range f.Rows(list) {
			for _, field := range []string{"", "name", "value", "key", "from", "until", "note", "days", "at", "for", "timezone"} {
				f.Labels[At(list, i, field)] = label + " " + strconv.Itoa(i+1)
			}
		}
	}
}
