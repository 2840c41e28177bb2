package webui

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// mappingPage is the tab on which people say what each resource gets, beside an
// example and what would be sent of it.
type mappingPage struct {
	endpointPage
	Tabs     []mappingTab
	Shown    int // place of the resource that is being worked on
	Example  exampleView
	Sent     *sentView // nil: whoever looks may not try things out
	Asked    bool      // a real test request has been asked for, and is to be confirmed
	Trial    *trialView
	Unsaved  bool // it shows what is not stored
	Required map[string][]string
}

// mappingTab is one resource.
type mappingTab struct {
	Place   int
	Name    string
	Needs   []string
	Missing []string
	Rows    []mappingRow
	Faulty  bool // something of it cannot be saved
	Others  []Option
}

// mappingRow is one target key.
type mappingRow struct {
	Place    int
	Required bool
	Kind     string
	More     bool // it has a default or a type
}

// List names the rows of the tab.
func (t mappingTab) List() string { return mappingList(t.Place) }

// Kinds are where a value can come from.
func (p *mappingPage) Kinds() []Option {
	t := p.Lang
	return options(kindFrom, t.T("From request"), kindTemplate, t.T("Template"), kindValue, t.T("Constant"), kindUUID, t.T("UUID"), kindNow, t.T("Time of sending"))
}

// Types are the casts.
func (p *mappingPage) Types() []Option {
	out := []Option{{Label: p.Lang.T("as it is")}}
	return append(out, checks(dispatchapy.ValueTypes)...)
}

// Current is the resource that is being worked on; nil if there is none.
func (p *mappingPage) Current() *mappingTab {
	if p.Shown < len(p.Tabs) {
		return &p.Tabs[p.Shown]
	}
	return nil
}

func (ui *UI) showMapping(c *call) error {
	p, err := c.openMapping()
	if err != nil {
		return err
	}
	p.Form = c.newForm(url.Values{"version": {strconv.FormatInt(p.E.Version, 10)}})
	p.Form.setMapping(p.E.Resources, p.Required, p.E.Mapping)
	if i := slices.Index(p.E.Resources, c.query("resource")); i >= 0 {
		p.Form.Set("shown", strconv.Itoa(i))
	}
	if err := c.fillExample(&p.endpointPage, "task"); err != nil {
		return err
	}
	return c.mapping(p)
}

func (c *call) openMapping() (*mappingPage, error) {
	p := &mappingPage{Required: map[string][]string{}}
	var err error
	p.endpointPage, err = c.openEndpoint("rules")
	for i := range p.resources {
		p.Required[p.resources[i].Name] = p.resources[i].RequiredParams
	}
	return p, err
}

// mapping shows the page as the form has it.
func (c *call) mapping(p *mappingPage) (err error) {
	p.Form.labelMapping()
	written := p.Form.mapping(p.Required, false)
	p.Shown, _ = strconv.Atoi(p.Form.Value("shown"))
	p.addTabs(written)
	p.Example = readExample(p.Form)
	if c.who.May(dispatchapy.WriteConfig) && len(p.Tabs) > 0 {
		if p.Sent, err = c.sent(p, written); err != nil {
			return err
		}
	}
	return c.showStatus(p.Form.Status(), "mapping", c.t("Mapping of {name}", "name", p.URL()), p)
}

func (p *mappingPage) addTabs(written map[string]dispatchapy.Mapping) {
	names := p.Form.Values("resources")
	for i, name := range names {
		tab := mappingTab{Place: i, Name: name, Needs: p.Required[name], Missing: written[name].Missing(p.Required[name])}
		for j := range p.Form.Rows(tab.List()) {
			at := func(field string) string { return p.Form.Value(At(tab.List(), j, field)) }
			row := mappingRow{Place: j, Required: slices.Contains(tab.Needs, at("key")), Kind: at("kind"), More: at("default") != "" || at("type") != ""}
			tab.Rows = append(tab.Rows, row)
		}
		tab.Faulty = slices.ContainsFunc(p.Form.Faults, func(f dispatchapy.FieldError) bool { return strings.HasPrefix(f.Path, tab.List()) })
		for k, other := range names {
			if k != i && len(written[other]) > 0 {
				tab.Others = append(tab.Others, Option{Value: strconv.Itoa(k), Label: other})
			}
		}
		p.Tabs = append(p.Tabs, tab)
	}
	if at := slices.IndexFunc(p.Tabs, func(t mappingTab) bool { return t.Faulty }); at >= 0 && !p.Tabs[min(p.Shown, len(p.Tabs)-1)].Faulty {
		p.Shown = at // where there is something to be mended
	}
	if p.Shown < 0 || p.Shown >= len(p.Tabs) {
		p.Shown = 0
	}
}

// saveMapping stores the mappings, or does what another button asks for.
func (ui *UI) saveMapping(c *call) error {
	p, err := c.openMapping()
	if err != nil {
		return err
	}
	p.Form, p.Unsaved = c.form(), true
	done, err := c.doMapping(p)
	switch {
	case err != nil:
		return err
	case done:
		return c.mapping(p)
	}
	written := p.Form.mapping(p.Required, true)
	if p.Form.Failed() {
		return c.mapping(p)
	}
	saved, err := ui.service.UpdateEndpoint(c.ctx(), c.who, p.E.ID, p.Form.Version(), func(d *service.EndpointDraft) error {
		d.Mapping = written
		return nil
	})
	if p.Form.Take(err) {
		p.Form.placeMappingFaults()
		return c.mapping(p)
	}
	if err != nil {
		return err
	}
	return c.mappingSaved(p, &saved)
}

// mappingSaved goes where one goes next. With scripts the page stays, and with
// it the example.
func (c *call) mappingSaved(p *mappingPage, saved *service.Endpoint) error {
	said := toast{Text: c.t("The mapping is saved.")}
	switch {
	case len(saved.Clients) == 0:
		c.done("The mapping is saved. Next: say who may post to the endpoint.")
		return c.redirect(endpointPath(saved.ID, "clients"))
	case strings.HasPrefix(saved.Readiness, "Rules incomplete"):
		said = toast{Tone: "warn", Text: c.t("The mapping is saved, but it is not complete yet.")}
	}
	to := endpointPath(saved.ID, "rules") + "?resource=" + url.QueryEscape(p.Form.resourceAt(atoi(p.Form.Value("shown"))))
	return c.saved(said, to, func() error {
		form := p.Form
		p, err := c.openMapping()
		if err != nil {
			return err
		}
		p.Form = form
		p.Form.Set("version", strconv.FormatInt(saved.Version, 10))
		return c.mapping(p)
	})
}

// atoi reads a number; 0 for what is none.
func atoi(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// doMapping does what a button other than the one that saves asks for, and
// reports whether there was one.
func (c *call) doMapping(p *mappingPage) (done bool, err error) {
	f := p.Form
	verb, what, _ := strings.Cut(f.Do(), " ")
	i := atoi(what)
	name := f.resourceAt(i)
	switch verb {
	case "":
		return false, nil
	case "preview":
	case "show":
		f.Set("shown", what)
	case "example":
		err = c.fillExample(&p.endpointPage, what)
	case "suggest":
		f.suggestMapping(i, p.Required[name], pathsOf([]byte(f.Value("example"))))
	case "copy":
		f.copyMapping(atoi(f.Value("copy["+strconv.Itoa(i)+"]")), i, p.Required[name])
	case "test":
		p.Asked = true
	case "send":
		err = c.sendTrial(p, name)
	default:
		lists := make([]string, len(f.Values("resources")))
		for k := range lists {
			lists[k] = mappingList(k)
		}
		f.editRows(lists...)
	}
	return true, err
}
