package webui

import (
	"net/url"
	"slices"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// addPayload fills in the message as it is asked for.
func (p *taskPage) addPayload(c *call) error {
	p.Tab = c.query("tab")
	if !slices.Contains([]string{"target", "diff"}, p.Tab) || !p.Way {
		p.Tab = "source"
	}
	p.Tabs = []tabLink{{p.payloadPath("source", ""), c.t("Source"), p.Tab == "source"}}
	if p.Way {
		p.Tabs = append(p.Tabs,
			tabLink{p.payloadPath("target", ""), c.t("Target"), p.Tab == "target"},
			tabLink{p.payloadPath("diff", ""), c.t("Difference"), p.Tab == "diff"})
	}
	source := jsonText([]byte(p.Task.Source))
	if p.Tab == "source" {
		p.Text = source
		return nil
	}
	target, err := p.target(c)
	if err != nil || target == nil {
		return err
	}
	text := jsonText(target)
	if p.Tab == "target" {
		p.Text = text
		return nil
	}
	p.Lines = diffLines(source, text)
	p.Same = !slices.ContainsFunc(p.Lines, func(l Line) bool { return l.Kind != "same" })
	return nil
}

// payloadPath is the address of this page with another view of the message.
func (p *taskPage) payloadPath(tab, resource string) string {
	params := append(queryParam(p.Query), "tab="+tab)
	if resource != "" {
		params = append(params, "resource="+url.QueryEscape(resource))
	}
	return withParams(taskPath(p.Task.ID, query{}), params) + "#payload"
}

// withParams puts parameters behind a path that has none.
func withParams(path string, params []string) string {
	if len(params) == 0 {
		return path
	}
	return path + "?" + strings.Join(params, "&")
}

// target gives the body for the resource that is asked for: what was sent to
// it last, or what would be sent if nothing was. nil: there is none, and None
// says why.
func (p *taskPage) target(c *call) ([]byte, error) {
	sent := map[string][]byte{}
	var names []string
	for i := range p.Task.Attempts {
		a := &p.Task.Attempts[i]
		if !slices.Contains(names, a.Resource) {
			names = append(names, a.Resource)
		}
		if len(a.RequestBody) > 0 {
			sent[a.Resource] = a.RequestBody
		}
	}
	preview, err := c.ui.service.PreviewTask(c.ctx(), c.who, p.Task.ID, nil)
	if code := dispatchapy.ErrorCode(err); err != nil && code != dispatchapy.CodeConflict {
		return nil, err
	}
	for _, route := range preview.Routes {
		if !slices.Contains(names, route.Resource) {
			names = append(names, route.Resource)
		}
	}
	if len(names) == 0 {
		p.None = c.t("It was not sent to any resource, and its endpoint has none.")
		return nil, nil
	}
	name := c.query("resource")
	if !slices.Contains(names, name) {
		if name = names[0]; p.Task.Resource != "" && slices.Contains(names, p.Task.Resource) {
			name = p.Task.Resource
		}
	}
	for _, other := range names {
		p.Resources = append(p.Resources, tabLink{p.payloadPath(p.Tab, other), other, other == name})
	}
	if body := sent[name]; body != nil {
		return body, nil
	}
	return p.would(c, preview, name), nil
}

// would gives the body that would be sent to a resource.
func (p *taskPage) would(c *call, preview service.Preview, name string) []byte {
	for _, route := range preview.Routes {
		switch {
		case route.Resource != name:
		case route.Request == nil:
			p.None = c.lang.Said(route.Refusal)
			return nil
		default:
			p.Would, p.Volatile = true, route.Request.Volatile
			return route.Request.Body
		}
	}
	p.None = c.t("Nothing was sent to {name}.", "name", name)
	return nil
}
