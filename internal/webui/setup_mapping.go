package webui

import (
	"encoding/json"
	"strings"

	"dispatchapy"
)

// The kinds of sources that the set-up offers.
const (
	kindFrom     = "from"
	kindTemplate = "template"
	kindValue    = "value"
	kindUUID     = "uuid"
	kindNow      = "now"
)

// Kinds are the sources to choose from.
func (p *setupPage) Kinds() []Option {
	return options(kindFrom, p.Lang.T("From the message"), kindTemplate, p.Lang.T("Text with {{…}}"), kindValue, p.Lang.T("Constant"), kindUUID, p.Lang.T("UUID"), kindNow, p.Lang.T("Time"))
}

// suggestMapping makes a row for every key of the resource. Suggestions follow
// the names; what somebody wrote stays.
func (p *setupPage) suggestMapping() {
	f := p.Form
	before := map[string]row{}
	for _, r := range f.takeRows("map") {
		if key := r[".key"]; len(key) > 0 {
			before[key[0]] = r
		}
	}
	f.compact("required_params", "")
	var keys []string
	for i := range f.Rows("required_params") {
		keys = append(keys, strings.TrimSpace(f.Value(At("required_params", i, ""))))
	}
	suggested := p.suggested(keys)
	p.Rows = nil
	for i, key := range keys {
		kind, value := "", ""
		if source, known := suggested[key]; known {
			kind, value = wordsOf(source)
		}
		was := kind + ":" + value
		if r, known := before[key]; known && first(r[".kind"])+":"+first(r[".value"]) != first(r[".was"]) {
			kind, value = first(r[".kind"]), first(r[".value"])
		}
		if kind == "" {
			kind = kindFrom
		}
		f.Set(At("map", i, "key"), key)
		f.Set(At("map", i, "kind"), kind)
		f.Set(At("map", i, "value"), value)
		f.Set(At("map", i, "was"), was)
		_, given := f.source(i)
		p.Rows = append(p.Rows, mapRow{Index: i, Key: key, Missing: !given})
	}
}

// suggested gives a source for each key: by its name, or else the value that
// stands in the provider's example.
func (p *setupPage) suggested(keys []string) dispatchapy.Mapping {
	mapping := suggest(keys, p.Paths)
	for _, key := range keys {
		if _, known := mapping[key]; known {
			continue
		}
		example := fromWords(p.Form.Value(p.Form.rowWith("test_values", "key", key, "value", "")))
		if json.Valid(example) {
			mapping[key] = dispatchapy.Source{Value: example}
		}
	}
	return mapping
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// wordsOf writes a source as kind and text.
func wordsOf(s dispatchapy.Source) (kind, value string) {
	switch {
	case s.From != "":
		return kindFrom, s.From
	case s.UUID:
		return kindUUID, ""
	case s.Now:
		return kindNow, ""
	case s.Template != "":
		return kindTemplate, s.Template
	}
	return kindValue, toWords(s.Value)
}

// source reads a row of the mapping; ok is false if it says nothing.
func (f *Form) source(i int) (s dispatchapy.Source, ok bool) {
	value := strings.TrimSpace(f.Value(At("map", i, "value")))
	switch f.Value(At("map", i, "kind")) {
	case kindUUID:
		return dispatchapy.Source{UUID: true}, true
	case kindNow:
		return dispatchapy.Source{Now: true}, true
	case kindTemplate:
		return dispatchapy.Source{Template: value}, value != ""
	case kindValue:
		return dispatchapy.Source{Value: fromWords(value)}, value != ""
	}
	return dispatchapy.Source{From: value}, value != ""
}

// mapped reports whether every key has a source.
func (p *setupPage) mapped() bool {
	for _, row := range p.Rows {
		if row.Missing {
			return false
		}
	}
	return p.Form.Value("url") != ""
}

// RequestText writes the first line of what would be sent, and the headers that
// are the resource's own.
func (p *setupPage) RequestText() string {
	r := p.Route.Request
	own := map[string]string{}
	for name, value := range r.Header {
		if name == "Content-Type" || dispatchapy.Secret(value).Masked() {
			own[name] = value
		}
	}
	return r.Method + " " + r.URL + "\n" + headerText(own)
}

// Body gives the body that would be sent.
func (p *setupPage) Body() string { return indentJSON(p.Route.Request.Body) }

// Summary says in a line where it goes.
func (p *setupPage) Summary() string {
	f := p.Form
	if f.Value("url") == "" {
		return ""
	}
	return f.Value("method") + " " + f.Value("url")
}
