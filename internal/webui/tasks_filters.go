package webui

import (
	"slices"
	"time"

	"dispatchapy/internal/service"
)

// mostOptions is how many names a filter lists. Where there are more, they are
// found by writing.
const mostOptions = 24

// addFilters fills in what narrows the list: spans of time, names, views.
func (p *tasksPage) addFilters(c *call) error {
	p.addSpans(c)
	for _, f := range []struct {
		key, label, all string
		names           func(*call) ([]string, error)
	}{
		{"endpoint", c.t("Endpoint"), c.t("Any endpoint"), endpointPaths},
		{"resource", c.t("Resource"), c.t("Any resource"), resourceNames},
		{"client", c.t("Client"), c.t("Any client"), clientNames},
		{"scope", c.t("Scope"), c.t("Any scope"), nil},
	} {
		if !c.who.IsStaff() && f.key == "client" || f.key == "resource" && !c.ui.service.ReadsProviders(c.who) {
			continue
		}
		field, err := c.nameFilter(f.key, f.label, f.all, p.Query.value(f.key), f.names)
		if err != nil {
			return err
		}
		p.Filters = append(p.Filters, field)
	}
	return nil
}

// nameFilter makes a select of few names, or a field for one of many.
func (c *call) nameFilter(key, label, all, value string, names func(*call) ([]string, error)) (*Field, error) {
	f := &Field{ID: "f-" + key, Name: key, Label: label, Value: value, Type: "search", HideLabel: true, Placeholder: all}
	if names == nil {
		return f, nil
	}
	list, err := names(c)
	if err != nil || len(list) > mostOptions {
		return f, err
	}
	if value != "" && !slices.Contains(list, value) {
		list = append([]string{value}, list...) // of an object that is gone
	}
	f.Type, f.Options = "select", []Option{{Label: all}}
	for _, name := range list {
		f.Options = append(f.Options, Option{Value: name, Label: name, Selected: name == value})
	}
	return f, nil
}

// few asks for as many names as a select can have, and one more.
var few = service.PageRequest{Limit: mostOptions + 1}

func endpointPaths(c *call) ([]string, error) {
	page, err := c.ui.service.ListEndpoints(c.ctx(), c.who, few)
	return namesOf(page, func(e service.Endpoint) string { return e.Path }), err
}

func resourceNames(c *call) ([]string, error) {
	page, err := c.ui.service.ListResources(c.ctx(), c.who, few)
	return namesOf(page, func(r service.Resource) string { return r.Name }), err
}

func clientNames(c *call) ([]string, error) {
	page, err := c.ui.service.ListClients(c.ctx(), c.who, few)
	return namesOf(page, func(cl service.Client) string { return cl.Name }), err
}

func namesOf[T any](page service.Page[T], name func(T) string) []string {
	names := make([]string, len(page.Items))
	for i, item := range page.Items {
		names[i] = name(item)
	}
	return names
}

func (p *tasksPage) addSpans(c *call) {
	since, until := p.Query.value("since"), p.Query.value("until")
	found := false
	for _, span := range []struct{ since, label string }{
		{"", c.t("Any time")}, {"15m", c.t("15 min")}, {"1h", c.t("1 h")}, {"24h", c.t("24 h")}, {"7d", c.t("7 d")},
	} {
		current := until == "" && since == span.since
		p.Spans = append(p.Spans, spanChip{tasksPath(p.Query.with("since", span.since).with("until"), place{}), span.label, current})
		found = found || current
	}
	now := c.now()
	p.Custom.Zone = now.Location().String()
	if !found {
		p.Custom.Since, p.Custom.Until = fieldTime(since, now), fieldTime(until, now)
	}
}

// IsCustom reports whether a span is asked for that has no chip.
func (s timeSpan) IsCustom() bool { return s.Since+s.Until != "" }

// fieldTime writes a moment as a browser's field wants it.
func fieldTime(text string, now time.Time) string {
	at, ok := readMoment(text, now)
	if !ok {
		return ""
	}
	return at.In(now.Location()).Format("2006-01-02T15:04")
}
