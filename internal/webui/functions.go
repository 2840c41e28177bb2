package webui

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/webui/assets"
	"dispatchapy/internal/webui/i18n"
)

// functions are what templates can call beside the methods of their page.
func functions(lang *i18n.Language, set *assets.Set) template.FuncMap {
	w := &words{lang}
	return template.FuncMap{
		"t": lang.T, "n": lang.N, "said": lang.Said, "number": w.number, "percent": w.percent,
		"asset": set.URL, "icon": func(name string, classes ...string) template.HTML { return icon(set, name, classes) },
		"mark": func(tone string) template.HTML { return mark(set, tone) },
		"ago":  w.ago, "at": w.at, "in": w.in, "took": w.took, "lasted": w.lasted, "lasting": w.lasting, "bytes": w.bytes, "ms": milliseconds,
		"phase": w.phase, "health": w.health, "route": w.route, "reason": func(why any) string { return w.reason(fmt.Sprint(why)) },
		"json":  jsonText,
		"field": field, "rowfield": rowField, "options": options, "checks": checks, "dict": dict, "list": func(items ...any) []any { return items },
		"words":     func() map[string]string { return scriptWords(lang) },
		"languages": func() []*i18n.Language { return i18n.Languages },
		"lower":     strings.ToLower, "join": strings.Join, "atrow": At, "contains": strings.Contains,
		"add": func(a, b int) int { return a + b }, "rows": rowsOf, "trial": w.trialState, "rulechoices": w.ruleChoices, "noticemethods": noticeMethods, "weekdays": w.weekdays, "told": w.told, "hop": hopTone,
	}
}

// words writes things in a language.
type words struct{ lang *i18n.Language }

func (w *words) number(n any) string {
	switch n := n.(type) {
	case int:
		return w.lang.Number(int64(n))
	case int64:
		return w.lang.Number(n)
	}
	return fmt.Sprint(n)
}

// percent writes a share of 1. What is not all is never rounded to 100 %.
func (w *words) percent(share float64) string {
	p := share * 100
	switch {
	case p >= 100:
		return "100 %"
	case p >= 99.95:
		p = 99.9
	}
	if p == math.Trunc(p) {
		return w.lang.Decimal(p, 0) + " %"
	}
	return w.lang.Decimal(p, 1) + " %"
}

// ago writes how long ago something was; scripts keep it up to date. A time
// that never was is a dash.
func (w *words) ago(t time.Time) template.HTML { return w.time("ago", t, w.since(t)) }

// lasting writes for how long something has gone on; scripts keep it up to date.
func (w *words) lasting(since time.Time) template.HTML {
	return w.time("for", since, w.lang.T("for {time}", "time", w.lasted(time.Since(since))))
}

// at writes a moment; scripts turn it into the reader's own time.
func (w *words) at(t time.Time) template.HTML {
	return w.time("at", t, t.UTC().Format("2006-01-02 15:04:05")+" UTC")
}

// in writes how long it is to a moment, counted down by scripts.
func (w *words) in(t time.Time) template.HTML { return w.time("in", t, w.until(t)) }

func (w *words) time(kind string, t time.Time, text string) template.HTML {
	if t.IsZero() {
		return `<span class="faint">–</span>`
	}
	stamp := t.UTC().Format("2006-01-02T15:04:05.000Z")
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-time="%s" title="%s">%s</time>`, stamp, kind, stamp, template.HTMLEscapeString(text)))
}

func (w *words) since(t time.Time) string {
	d := time.Since(t)
	if d < time.Second {
		return w.lang.T("now")
	}
	return w.lang.T("{time} ago", "time", w.rough(d))
}

func (w *words) until(t time.Time) string {
	d := time.Until(t)
	if d < time.Second {
		return w.lang.T("now")
	}
	return w.lang.T("in {time}", "time", w.rough(d))
}

// rough writes a duration by its largest unit.
func (w *words) rough(d time.Duration) string {
	day := 24 * time.Hour
	switch {
	case d < time.Minute:
		return w.lang.T("{n} s", "n", int(d/time.Second))
	case d < time.Hour:
		return w.lang.T("{n} min", "n", int(d/time.Minute))
	case d < day:
		return w.lang.T("{n} h", "n", int(d/time.Hour))
	}
	return w.lang.T("{n} d", "n", int(d/day))
}

// took writes how long something took, to three digits.
func (w *words) took(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d <= 0:
		return "–"
	case ms < 10:
		return w.lang.Decimal(ms, 1) + " ms"
	case ms < 1000:
		return w.lang.Decimal(ms, 0) + " ms"
	case d < 10*time.Second:
		return w.lang.Decimal(d.Seconds(), 2) + " s"
	case d < 2*time.Minute:
		return w.lang.Decimal(d.Seconds(), 1) + " s"
	}
	return w.rough(d)
}

// milliseconds writes a duration for scripts.
func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', -1, 64)
}

// bytes writes a size.
func (w *words) bytes(n int) string {
	switch {
	case n < 1<<10:
		return w.number(n) + " B"
	case n < 1<<20:
		return w.lang.Decimal(float64(n)/(1<<10), 1) + " KB"
	}
	if n < 1<<30 {
		return w.lang.Decimal(float64(n)/(1<<20), 1) + " MB"
	}
	return w.lang.Decimal(float64(n)/(1<<30), 1) + " GB"
}

// icon writes an icon of the sprite. It says nothing to those who listen.
func icon(set *assets.Set, name string, classes []string) template.HTML {
	class := strings.Join(append([]string{"icon"}, classes...), " ")
	return template.HTML(fmt.Sprintf(`<svg class="%s" aria-hidden="true"><use href="%s#%s"/></svg>`, class, set.URL("icons.svg"), name))
}

// mark writes the shape of a state.
func mark(set *assets.Set, tone string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><use href="%s#%s"/></svg>`, set.URL("marks.svg"), tone))
}

// state is what a badge shows: word, shape and colour.
type state struct{ Tone, Mark, Word string }

func (w *words) state(tone, key string) state { return state{tone, tone, w.lang.T(key)} }

// health is the state of a resource.
func (w *words) health(active bool, s dispatchapy.HealthState) state {
	switch {
	case !active:
		return state{"stop", "off", w.lang.T("Switched off")}
	case s == dispatchapy.HealthUp:
		return w.state("ok", "Up")
	case s == dispatchapy.HealthDown:
		return w.state("fail", "Down")
	}
	return state{"wait", "unknown", w.lang.T("Unknown")}
}

// route is how messages to an endpoint fare.
func (w *words) route(e service.EndpointRoute) state {
	switch e.Health {
	case service.RouteOperational:
		return w.state("ok", "Operational")
	case service.RouteDegraded:
		return w.state("warn", "Degraded")
	case service.RouteDown:
		return w.state("fail", "Down")
	case service.RouteIncomplete:
		return w.state("wait", "Not ready")
	}
	return state{"stop", "off", w.lang.T("Switched off")}
}

// hopTone is the tone and the mark of a resource in a failover order, by why it
// cannot be used.
func hopTone(why interface{ Limited() bool }) string {
	switch text := fmt.Sprint(why); {
	case text == "":
		return "ok"
	case text == "in maintenance":
		return "held"
	case why.Limited():
		return "warn"
	}
	return "fail"
}

// reason says why a resource cannot be used.
func (w *words) reason(why string) string {
	switch why {
	case "switched off":
		return w.lang.T("switched off")
	case "in maintenance":
		return w.lang.T("in maintenance")
	case "down":
		return w.lang.T("down")
	case "failing":
		return w.lang.T("failing")
	case "paused":
		return w.lang.T("paused by the provider")
	case "full":
		return w.lang.T("at its limit")
	case "rate limited":
		return w.lang.T("at its rate limit")
	}
	return why
}

// phase is the state of a task.
func (w *words) phase(p dispatchapy.Phase) state {
	switch p {
	case "queued":
		return w.state("wait", "Queued")
	case "retrying":
		return w.state("warn", "Retrying")
	case "waiting":
		return w.state("warn", "Waiting for a resource")
	case "sending":
		return w.state("run", "Sending")
	case "delivered":
		return w.state("ok", "Delivered")
	case "failed":
		return w.state("fail", "Failed")
	case "held":
		return w.state("held", "Held")
	case "stopped":
		return w.state("stop", "Stopped")
	}
	return state{"wait", "unknown", string(p)}
}

// jsonText writes JSON to be read: bytes as they came, a key per line.
func jsonText(v any) string {
	switch v := v.(type) {
	case []byte:
		return indentJSON(v)
	case json.RawMessage:
		return indentJSON(v)
	case string:
		return indentJSON([]byte(v))
	}
	return indented(v)
}

// rowsOf lists the places of the rows of a list.
func rowsOf(form *Form, list string) []int {
	places := make([]int, form.Rows(list))
	for i := range places {
		places[i] = i
	}
	return places
}

// dict makes a map of pairs, for templates that need more than one value.
func dict(pairs ...any) map[string]any {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m
}
