package notify

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Bounds of what is said.
const (
	maxReason = 500  // characters of a reason
	maxText   = 1500 // characters of {text}: chats take 2,000
	maxJoined = 10   // names in one placeholder
	maxNamed  = 80   // characters of the name in a title: headers of chats take 150 in all
)

// world is what messages say of the gateway, whatever has happened.
type world struct {
	gateway string                        // its name
	base    string                        // URL of the web interface, without a slash at the end; "": none
	address func(resourceID int64) string // of a resource; "": it is gone
	now     time.Time
	test    bool // nothing has happened
}

// telling is what a notification has to say.
type telling struct {
	world
	matters []matter // in the order in which they began
	more    int      // events that are not listed
	key     string   // of the notification, if it has no incident
}

// matter is what has happened with one thing: the events of an incident, or one
// that has none.
type matter struct {
	store.EventDetail // the latest
	earlier           []store.EventDetail
}

// tell puts together what a notification has to say.
func tell(w world, d *store.NotificationDetail) *telling {
	t := &telling{world: w, key: fmt.Sprintf("notification-%d", d.Notification.ID)}
	t.more = max(d.Notification.Events-len(d.Events), 0)
	for _, e := range d.Events {
		i := slices.IndexFunc(t.matters, func(m matter) bool { return e.IncidentID != 0 && m.IncidentID == e.IncidentID })
		if i < 0 {
			t.matters = append(t.matters, matter{EventDetail: e})
			continue
		}
		m := &t.matters[i]
		m.earlier = append(m.earlier, m.EventDetail)
		m.EventDetail = e
	}
	return t
}

// over reports whether the matter is at an end.
func (m *matter) over() bool { return m.Kind.Ends() }

// status is firing, resolved, or info for what does not last.
func (m *matter) status() string {
	switch {
	case m.over():
		return "resolved"
	case m.IncidentID == 0:
		return "info"
	}
	return "firing"
}

// values are what stands for the placeholders in a text.
type values map[string]string

// of gives the values of one matter.
func (t *telling) of(m *matter) values {
	v := values{
		"title":             t.title(m),
		"event":             string(m.Kind),
		"status":            m.status(),
		"action":            action(m.over()),
		"severity":          string(m.Kind.Severity()),
		"reason":            cut(m.Detail, maxReason),
		"since":             instant(t.since(m)),
		"downtime":          t.downtime(m),
		"count":             strconv.Itoa(1 + len(m.earlier)),
		"resource_name":     m.Resource,
		"resource_endpoint": t.addressOf(m.ResourceID),
		"endpoint":          m.Endpoint,
		"incident_id":       number(m.IncidentID),
		"task_id":           number(m.TaskID),
		"datetime":          m.At.UTC().Format(time.RFC3339),
		"timestamp_utc":     instant(m.At),
		"link":              t.link(m),
		"gateway":           t.gateway,
		"key":               t.keyOf(m),
	}
	v["text"] = t.text(m, v)
	if t.test {
		v["event"] = "test"
	}
	return v
}

// all gives the values of everything together.
func (t *telling) all() values {
	if len(t.matters) == 1 && t.more == 0 {
		return t.of(&t.matters[0])
	}
	each := make([]values, len(t.matters))
	for i := range t.matters {
		each[i] = t.of(&t.matters[i])
	}
	v := values{"gateway": t.gateway, "key": t.key, "link": t.base, "count": strconv.Itoa(t.count()), "status": "info", "severity": string(dispatchapy.SeverityInfo)}
	for _, name := range dispatchapy.Placeholders {
		if _, given := v[name]; !given {
			v[name] = join(each, name)
		}
	}
	worst := t.worst()
	if worst < 0 {
		v["title"] = fmt.Sprintf("%d events", t.count())
		v["text"] = "What they were about is gone."
		return v
	}
	for _, name := range []string{"status", "action", "severity", "since", "downtime"} {
		v[name] = each[worst][name]
	}
	last := each[len(each)-1]
	v["datetime"], v["timestamp_utc"] = last["datetime"], last["timestamp_utc"]
	v["title"] = each[worst]["title"]
	if others := len(t.matters) - 1 + t.more; others > 0 {
		v["title"] += fmt.Sprintf(", and %d more", others)
	}
	lines := make([]string, len(each))
	for i, one := range each {
		lines[i] = one["title"] + ": " + one["reason"]
	}
	if t.more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", t.more))
	}
	v["text"] = cut(strings.Join(lines, "\n"), maxText)
	return v
}

// count is how many events there are.
func (t *telling) count() int {
	n := len(t.matters) + t.more
	for i := range t.matters {
		n += len(t.matters[i].earlier)
	}
	return n
}

// worst finds the matter that speaks for all: of those that are not over, or of
// all if all are, the first one with the highest severity; -1: there is none.
func (t *telling) worst() int {
	best := -1
	for i := range t.matters {
		m := &t.matters[i]
		switch {
		case best < 0:
			best = i
		case m.over() != t.matters[best].over():
			if !m.over() {
				best = i
			}
		case m.Kind.Severity().Over(t.matters[best].Kind.Severity()):
			best = i
		}
	}
	return best
}

// isOver reports whether everything is at an end.
func (t *telling) isOver() bool {
	return len(t.matters) > 0 && !slices.ContainsFunc(t.matters, func(m matter) bool { return !m.over() })
}

func (t *telling) title(m *matter) string {
	if t.test {
		return "[TEST] " + titleOf(&m.EventDetail)
	}
	return titleOf(&m.EventDetail)
}

// text says more than the title.
func (t *telling) text(m *matter, v values) string {
	lines := []string{v["reason"]}
	if !m.OpenedAt.IsZero() {
		line := "Since " + v["since"]
		if m.over() {
			line = "From " + v["since"] + " to " + v["timestamp_utc"]
		}
		lines = append(lines, line)
	} else {
		lines = append(lines, "At "+v["timestamp_utc"])
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func (t *telling) since(m *matter) time.Time {
	if !m.OpenedAt.IsZero() {
		return m.OpenedAt
	}
	return m.At
}

func (t *telling) downtime(m *matter) string {
	if m.OpenedAt.IsZero() {
		return ""
	}
	end := m.ClosedAt
	if end.IsZero() {
		end = t.now
	}
	return max(end.Sub(m.OpenedAt), 0).Round(time.Second).String()
}

// addressOf gives the address of a resource without what may be secret in it.
func (t *telling) addressOf(resourceID int64) string {
	if t.address == nil {
		return ""
	}
	if address := t.address(resourceID); address != "" {
		return dispatchapy.MaskURL(address)
	}
	return ""
}

// link leads to the page of what it is about.
func (t *telling) link(m *matter) string {
	switch {
	case t.base == "":
		return ""
	case m.IncidentID != 0:
		return t.base + "/incidents/" + number(m.IncidentID)
	case m.TaskID != 0:
		return t.base + "/tasks/" + number(m.TaskID)
	case m.ResourceID != 0:
		return t.base + "/resources/" + number(m.ResourceID)
	case m.EndpointID != 0:
		return t.base + "/endpoints/" + number(m.EndpointID)
	}
	return t.base + "/"
}

// keyOf is the same for all that is said of an incident, and for nothing else of
// this gateway.
func (t *telling) keyOf(m *matter) string {
	if m.IncidentID != 0 {
		return "incident-" + number(m.IncidentID)
	}
	return t.key
}

func action(over bool) string {
	if over {
		return "resolve"
	}
	return "trigger"
}

func instant(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }

// number writes an id; "" for none.
func number(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// join gives the different values of a placeholder.
func join(each []values, name string) string {
	var out []string
	for _, v := range each {
		if value := v[name]; value != "" && !slices.Contains(out, value) {
			out = append(out, value)
		}
	}
	if more := len(out) - maxJoined; more > 0 {
		out = append(out[:maxJoined], fmt.Sprintf("%d more", more))
	}
	return strings.Join(out, ", ")
}

// cut shortens a text to a number of characters.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

var placeholder = regexp.MustCompile(`\{[^{}]+\}`)

// fill replaces the placeholders of a text in one pass, so that nothing that was
// filled in is taken for one. What lookup does not know stays, where it can be
// seen. Where it would have more than limit bytes it ends with an ellipsis, and
// whole is false: a text of a few kilobytes can ask for any number of them.
func fill(text string, limit int, lookup func(name string) (string, bool)) (out string, whole bool) {
	var b strings.Builder
	for at := placeholder.FindStringIndex(text); at != nil; at = placeholder.FindStringIndex(text) {
		value, known := lookup(text[at[0]+1 : at[1]-1])
		if !known {
			value = text[at[0]:at[1]]
		}
		if b.Len()+at[0]+len(value) > limit {
			return b.String() + "…", false
		}
		b.WriteString(text[:at[0]])
		b.WriteString(value)
		text = text[at[1]:]
	}
	if b.Len()+len(text) > limit {
		return b.String() + "…", false
	}
	b.WriteString(text)
	return b.String(), true
}

func (v values) lookup(name string) (string, bool) {
	value, known := v[name]
	return value, known
}

// tells reports whether a text says itself whether something began or ended.
// One that does not was written for what begins.
func tells(text string) bool {
	for _, name := range []string{"title", "text", "event", "status", "action"} {
		if strings.Contains(text, "{"+name+"}") {
			return true
		}
	}
	return false
}
