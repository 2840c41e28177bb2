package webui

import (
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// suggestPage lists what can stand at a place of a query.
type suggestPage struct {
	Shell
	Items []suggestion
}

// suggestion is something that can be written, with what it means.
type suggestion struct{ Value, Label string }

const maxSuggestions = 10

// suggestTasks answers a script while somebody writes: keys, or values of a
// key, that go on with what was written.
func (ui *UI) suggestTasks(c *call) error {
	p := &suggestPage{}
	key, text := strings.ToLower(c.query("key")), c.query("text")
	if other, known := otherKeys[key]; known {
		key = other
	}
	all, err := c.suggestions(key, text)
	if err := ignoreInvalid(err); err != nil {
		return err
	}
	for _, s := range all {
		if len(p.Items) < maxSuggestions && contains(s.Value, s.Label, text) {
			p.Items = append(p.Items, s)
		}
	}
	return c.show("suggest", c.t("Suggestions"), p)
}

func contains(value, label, text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(strings.ToLower(value), text) || strings.Contains(strings.ToLower(label), text)
}

// suggestions gives everything that is known for a key; for "", the keys.
func (c *call) suggestions(key, text string) ([]suggestion, error) {
	ask := service.PageRequest{Text: text, Limit: maxSuggestions}
	switch key {
	case "":
		return c.keySuggestions(), nil
	case "status":
		var out []suggestion
		w := words{c.lang}
		for _, phase := range dispatchapy.Phases {
			out = append(out, suggestion{string(phase), w.phase(phase).Word})
		}
		return out, nil
	case "since", "until":
		return []suggestion{
			{"15m", c.t("15 minutes ago")}, {"1h", c.t("an hour ago")}, {"24h", c.t("24 hours ago")}, {"7d", c.t("7 days ago")},
			{"today", c.t("the beginning of today")}, {"yesterday", c.t("the beginning of yesterday")},
		}, nil
	case "endpoint":
		page, err := c.ui.service.ListEndpoints(c.ctx(), c.who, ask)
		return plain(namesOf(page, func(e service.Endpoint) string { return e.Path })), err
	case "resource":
		if !c.ui.service.ReadsProviders(c.who) {
			return nil, nil
		}
		page, err := c.ui.service.ListResources(c.ctx(), c.who, ask)
		return plain(namesOf(page, func(r service.Resource) string { return r.Name })), err
	case "client":
		page, err := c.ui.service.ListClients(c.ctx(), c.who, ask)
		return plain(namesOf(page, func(cl service.Client) string { return cl.Name })), err
	case "scope":
		return c.scopeSuggestions()
	}
	return nil, nil
}

func (c *call) keySuggestions() []suggestion {
	all := []suggestion{
		{"status", c.t("queued, failed, held …")}, {"endpoint", c.t("path of an endpoint")}, {"resource", c.t("of the latest attempt")},
		{"client", c.t("name of a client")}, {"ref", c.t("the whole ref, or its beginning and *")}, {"scope", c.t("the whole scope")},
		{"since", c.t("accepted after: 1h, today, 2026-01-31")}, {"until", c.t("accepted before: 5m, yesterday")},
	}
	var out []suggestion
	for _, s := range all {
		if s.Value == "client" && !c.who.IsStaff() || s.Value == "resource" && !c.ui.service.ReadsProviders(c.who) {
			continue
		}
		out = append(out, suggestion{s.Value + ":", s.Label})
	}
	return out
}

// scopesWithin is how old scopes may be that are suggested.
const scopesWithin = 7 * 24 * time.Hour

// scopeSuggestions are the scopes of the last days.
func (c *call) scopeSuggestions() ([]suggestion, error) {
	stats, err := c.ui.service.Stats(c.ctx(), c.who, service.StatsInput{Group: "scope", Since: time.Now().Add(-scopesWithin)})
	var names []string
	for _, row := range stats.Rows {
		names = append(names, row.Name)
	}
	return plain(names), err
}

func plain(values []string) []suggestion {
	var out []suggestion
	for _, v := range values {
		if v != "" {
			out = append(out, suggestion{Value: v})
		}
	}
	return out
}
