package original

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dispatchapy"
)

// unusableURL stands for an address that cannot be mended. Nothing is ever at
// a name under .invalid.
const unusableURL = "http://unknown.invalid/"

func (r *reader) readResources(ctx context.Context) error {
	used := map[string]bool{}
	return r.file.each(ctx, "SELECT * FROM resources ORDER BY id", nil, func(row row) {
		id, was := row.id("id"), row.text("name")
		name := unique(used, cleanName(was, fmt.Sprintf("resource %d", id)), " (%d)")
		if name != was {
			r.note("resource %q: not a name, or that of another one: now %q", was, name)
		}
		r.world.resources[id] = object{was: was, name: name, since: row.time("created_at"), index: len(r.config.Resources)}
		p := provider{r: r, row: row, about: fmt.Sprintf("resource %q", name)}
		p.Name = name
		p.read()
		r.config.Resources = append(r.config.Resources, p.Resource)
	})
}

// provider is a resource in the making.
type provider struct {
	dispatchapy.Resource
	r     *reader
	row   row
	about string
}

func (p *provider) note(format string, args ...any) {
	p.r.note("%s: %s", p.about, fmt.Sprintf(format, args...))
}

func (p *provider) read() {
	active := p.row.on("is_active")
	p.Active = &active
	p.Headers = p.headers("headers")
	p.RequiredParams = p.r.keys(p.row, "required_params", p.about)
	p.HealthCheck = p.healthCheck()
	p.address() // may switch off what was read before
	p.notices()
}

// address reads the URL. A resource that has none that can be used is kept,
// switched off, so that what is linked to it stays as it was.
func (p *provider) address() {
	raw := strings.TrimSpace(p.row.text("endpoint"))
	var fixes []string
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
		fixes = append(fixes, "its URL had no scheme: now http://")
	}
	if u, err := url.Parse(raw); err == nil && u.User != nil {
		fixes = append(fixes, p.basicAuth(u.User))
		u.User = nil
		raw = u.String()
	}
	if !isURL(raw) {
		p.note("its URL cannot be used: replaced by %s, switched off, not checked", unusableURL)
		off := false
		p.URL, p.Active, p.HealthCheck.Enabled = unusableURL, &off, false
		return
	}
	for _, fix := range fixes {
		p.note("%s", fix)
	}
	p.URL = raw
}

// basicAuth moves the credentials of a URL to where they are sent.
func (p *provider) basicAuth(user *url.Userinfo) (fix string) {
	for name := range p.Headers {
		if http.CanonicalHeaderKey(name) == "Authorization" {
			return "its URL had a user name or password in it, left out because there is a header Authorization"
		}
	}
	if p.Headers == nil {
		p.Headers = map[string]dispatchapy.Secret{}
	}
	password, _ := user.Password()
	credentials := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
	p.Headers["Authorization"] = dispatchapy.Secret("Basic " + credentials)
	return "its URL had a user name or password in it: now in the header Authorization"
}

// headers reads names and values. Values are secrets and not repeated.
func (p *provider) headers(column string) map[string]dispatchapy.Secret {
	raw, ok := decode[map[string]json.RawMessage](p.row, column)
	if !ok {
		p.note("%s: not an object of names and values, left out", column)
	}
	if len(raw) == 0 {
		return nil
	}
	headers := make(map[string]dispatchapy.Secret, len(raw))
	taken := make(map[string]bool, len(raw))
	for _, given := range slices.Sorted(maps.Keys(raw)) {
		name, value := strings.TrimSpace(given), strings.TrimSpace(textOf(raw[given]))
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !isHeader(name, value):
			p.note("%s: %q or its value cannot be sent, left out", column, firstRunes(given, 40))
		case taken[canonical]:
			p.note("%s: %q is given twice, left out", column, name)
		default:
			headers[name] = dispatchapy.Secret(value)
			taken[canonical] = true
		}
	}
	return headers
}

// keys reads a list of payload keys.
func (r *reader) keys(row row, column, about string) []string {
	list, ok := decode[[]json.RawMessage](row, column)
	if !ok {
		r.note("%s: %s is not a list, left out", about, column)
	}
	var keys []string
	for _, raw := range list {
		key := strings.TrimSpace(textOf(raw))
		switch {
		case !isKey(key):
			r.note("%s: %s has %q, which cannot be a key, left out", about, column, firstRunes(key, 40))
		case !slices.Contains(keys, key):
			keys = append(keys, key)
		}
	}
	return keys
}

func (p *provider) healthCheck() dispatchapy.HealthCheck {
	check := dispatchapy.HealthCheck{
		Enabled:    p.row.on("is_health_check_enabled"),
		Method:     dispatchapy.CheckSimple,
		Interval:   p.interval(),
		TestValues: p.testValues(),
	}
	switch method := strings.ToLower(p.row.text("health_check_method")); method {
	case string(dispatchapy.CheckActual):
		check.Method = dispatchapy.CheckActual
	case "", string(dispatchapy.CheckSimple):
	default:
		p.note("health check method %q is not known: now simple", firstRunes(method, 40))
	}
	for _, param := range p.RequiredParams {
		if _, ok := check.TestValues[param]; !ok && check.Method == dispatchapy.CheckActual {
			p.note("health check method actual needs a test value for %q: now simple", param)
			check.Method = dispatchapy.CheckSimple
		}
	}
	return check
}

// interval reads seconds.
func (p *provider) interval() dispatchapy.DurationRange {
	const most = int64(dispatchapy.MaxWait / time.Second)
	low, lowOK := p.row.integer("health_check_interval_min")
	high, highOK := p.row.integer("health_check_interval_max")
	if !lowOK || !highOK {
		p.note("health check interval: not a number of seconds, now 60 to 90")
		return dispatchapy.DurationRange{Min: seconds(60), Max: seconds(90)}
	}
	from, lowOK := clamp(low, 1, most)
	to, highOK := clamp(high, 1, most)
	if !lowOK || !highOK || from > to {
		from, to = min(from, to), max(from, to)
		p.note("health check interval: %d to %d seconds is not possible, now %d to %d", low, high, from, to)
	}
	return dispatchapy.DurationRange{Min: seconds(from), Max: seconds(to)}
}

func (p *provider) testValues() map[string]json.RawMessage {
	values, ok := decode[map[string]json.RawMessage](p.row, "health_check_test_values")
	if !ok {
		p.note("health_check_test_values: not an object, left out")
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if why := notTarget(key, func(other string) bool { _, ok := values[other]; return ok }); why != "" {
			p.note("health_check_test_values: %q %s, left out", firstRunes(key, 40), why)
			delete(values, key)
		}
	}
	return values
}

// notices reads who is told when the resource goes down.
func (p *provider) notices() {
	n := dispatchapy.Notify{Email: p.email(), Webhook: p.webhook()}
	if n.Email != nil || n.Webhook != nil {
		p.Notify = &n
	}
}

// defaultSubject stands in every resource of the original and means nothing.
const defaultSubject = `Dispatchapy Alert: Resource "{resource_name}" is DOWN`

func (p *provider) email() *dispatchapy.EmailNotice {
	enabled := p.row.on("send_failure_email")
	notice := &dispatchapy.EmailNotice{
		Enabled: &enabled,
		Subject: strings.Join(strings.FieldsFunc(p.row.text("notification_subject"), func(c rune) bool { return c == '\r' || c == '\n' }), " "),
		Body:    strings.ReplaceAll(p.row.text("notification_template"), "\r\n", "\n"),
	}
	for to := range strings.SplitSeq(p.row.text("notification_email"), ",") {
		to = strings.TrimSpace(to)
		switch {
		case to == "" || to == "None": // what the original's form makes of no recipient
		case isAddress(to):
			notice.To = append(notice.To, to)
		default:
			p.note("recipient %q: not an email address, left out", firstRunes(to, 80))
		}
	}
	if enabled && len(notice.To) == 0 {
		p.note("email without a recipient: switched off")
		enabled = false
	}
	if !enabled && len(notice.To) == 0 && (notice.Subject == "" || notice.Subject == defaultSubject) {
		return nil
	}
	return notice
}

func (p *provider) webhook() *dispatchapy.WebhookNotice {
	enabled := p.row.on("send_failure_webhook")
	notice := &dispatchapy.WebhookNotice{
		Enabled: &enabled,
		URL:     strings.TrimSpace(p.row.text("failure_webhook_url")),
		Headers: p.headers("failure_webhook_headers"),
	}
	if notice.URL != "" && !isURL(notice.URL) {
		p.note("webhook: its URL cannot be used, left out")
		notice.URL = ""
	}
	if enabled && notice.URL == "" {
		p.note("webhook without a URL: switched off")
		enabled = false
	}
	payload, ok := p.row.json("failure_webhook_payload")
	if !ok {
		p.note("webhook: its payload is not JSON, now a JSON string")
		payload = quoted(string(payload))
	}
	notice.Payload = payload
	if !enabled && notice.URL == "" && len(notice.Headers) == 0 && len(notice.Payload) == 0 {
		return nil
	}
	return notice
}
