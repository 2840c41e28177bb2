package webui

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// resourceFormPage is the configuration of a resource, or that of a new one.
type resourceFormPage struct {
	resourcePage
	Form    *Form
	New     bool
	Notes   []string // about what was pasted
	Unsaved []string // sections that hold what is not stored
	Saved   string   // section that was saved just now
}

// IsUnsaved reports whether a section holds what is not stored.
func (p *resourceFormPage) IsUnsaved(section string) bool { return slices.Contains(p.Unsaved, section) }

// Methods are the HTTP methods to choose from.
func (p *resourceFormPage) Methods() []Option { return checks(dispatchapy.Methods) }

// Example is the body that messages to the resource have, as far as the form
// says.
func (p *resourceFormPage) Example() string { return p.Form.example() }

// example assembles a body of the keys of the form, with its test values.
func (f *Form) example() string {
	var found []leaf
	for i := range f.Rows("required_params") {
		key := strings.TrimSpace(f.Value(At("required_params", i, "")))
		if key == "" {
			continue
		}
		value := fromWords(f.Value(f.rowWith("test_values", "key", key, "value", "")))
		if !json.Valid(value) {
			value = jsonString("…")
		}
		found = append(found, leaf{key, value})
	}
	if len(found) == 0 {
		return ""
	}
	return assembled(found)
}

// newResource gives the form of a new resource with what is usual.
func (c *call) newResourceForm() *Form {
	r := &dispatchapy.Resource{}
	r.Normalize()
	form := c.newForm(nil)
	form.fillResource(r)
	return form
}

func (ui *UI) showNewResource(c *call) error {
	return ui.newResourcePage(c, &resourceFormPage{Form: c.newResourceForm(), New: true})
}

func (ui *UI) newResourcePage(c *call, p *resourceFormPage) error {
	p.Form.addTestRows()
	p.Form.labelResource()
	return c.showStatus(p.Form.Status(), "resource_new", c.t("New resource"), p)
}

// createResource adds a resource, or does to its form what a button asks for.
func (ui *UI) createResource(c *call) error {
	p := &resourceFormPage{Form: c.form(), New: true}
	edited, err := p.edit(c)
	if err != nil {
		return err
	}
	if edited {
		return ui.newResourcePage(c, p)
	}
	r := &dispatchapy.Resource{}
	p.Form.readResource(r, resourceSections...)
	if p.Form.Failed() {
		return ui.newResourcePage(c, p)
	}
	made, err := ui.service.CreateResource(c.ctx(), c.who, r)
	if err != nil {
		if !p.Form.Take(err) {
			return err
		}
		p.Form.placeFaults()
		return ui.newResourcePage(c, p)
	}
	c.done("{name} is added. No endpoint leads to it yet.", "name", made.Name)
	return c.redirect(resourcePath(made.ID, ""))
}

// edit does what buttons other than save ask for, and reports whether there was
// such a button: the form is then shown again.
func (p *resourceFormPage) edit(c *call) (bool, error) {
	switch {
	case p.Form.Do() == "paste":
		taken, err := c.resourceNames()
		if err != nil {
			return true, err
		}
		p.Notes = p.Form.paste(taken)
		return true, nil
	case p.Form.editRows("headers", "required_params", "test_values", "once", "weekly"):
		return true, nil
	}
	return p.Form.Do() == "preview", nil
}

// resourceNames tells which names resources have.
func (c *call) resourceNames() (taken func(string) bool, err error) {
	all, err := c.ui.service.AllHealth(c.ctx(), c.who, "")
	if err != nil {
		return nil, err
	}
	return func(name string) bool {
		return slices.ContainsFunc(all, func(r service.ResourceHealth) bool { return r.Name == name })
	}, nil
}

func (ui *UI) showConfiguration(c *call) error {
	p := &resourceFormPage{}
	return ui.configurationPage(c, p)
}

// configurationPage shows the configuration as it is stored, or the form that
// the page has, and marks what is not stored.
func (ui *UI) configurationPage(c *call, p *resourceFormPage) (err error) {
	if p.resourcePage, err = c.openResource("configuration"); err != nil {
		return err
	}
	stored := c.newForm(nil)
	stored.fillResource(&p.R.Resource)
	stored.setVersion(p.R.Version)
	if p.Form == nil {
		p.Form = stored
	}
	p.Form.addTestRows()
	p.Form.labelResource()
	for _, section := range resourceSections {
		if p.Form.written(section) != stored.written(section) {
			p.Unsaved = append(p.Unsaved, section)
		}
	}
	return c.showStatus(p.Form.Status(), "resource_configuration", c.t("Configuration: {name}", "name", p.R.Name), p)
}

// addTestRows gives every key a row for its test value.
func (f *Form) addTestRows() {
	for i := range f.Rows("required_params") {
		key := strings.TrimSpace(f.Value(At("required_params", i, "")))
		if key != "" && f.rowWith("test_values", "key", key, "value", "") == "" {
			f.Set(At("test_values", f.freeRow("test_values", "key"), "key"), key)
		}
	}
}

// saveConfiguration saves the section whose button was pressed, or all of them.
// What is written in the others stays, and is not stored.
func (ui *UI) saveConfiguration(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	p := &resourceFormPage{Form: c.form()}
	edited, err := p.edit(c)
	if err != nil {
		return err
	}
	if edited {
		return ui.configurationPage(c, p)
	}
	sections := resourceSections
	if one := oneOf(p.Form.Value("section"), resourceSections...); one != "" {
		sections = []string{one}
	}
	made, err := ui.service.UpdateResource(c.ctx(), c.who, id, p.Form.Version(), func(r *dispatchapy.Resource) error {
		p.Form.Faults = nil
		p.Form.readResource(r, sections...)
		if p.Form.Failed() {
			return errUnreadable
		}
		return nil
	})
	if err != nil {
		if !p.Form.Failed() && !p.Form.Take(err) {
			return err
		}
		p.Form.placeFaults()
		return ui.configurationPage(c, p)
	}
	return ui.afterSaving(c, p, &made, sections)
}

// errUnreadable breaks off a change whose form has faults, which are told
// instead.
var errUnreadable = dispatchapy.Errorf(dispatchapy.CodeInvalid, "the form cannot be read")

// afterSaving shows what is stored now, with what is written elsewhere.
func (ui *UI) afterSaving(c *call, p *resourceFormPage, made *service.Resource, sections []string) error {
	stored := c.newForm(nil)
	stored.fillResource(&made.Resource)
	rest := slices.DeleteFunc(slices.Clone(resourceSections), func(section string) bool {
		return slices.Contains(sections, section) || p.Form.written(section) == stored.written(section)
	})
	text := c.t("{name} is saved.", "name", made.Name)
	if len(rest) == 0 {
		return c.again(toast{Text: text}, resourcePath(made.ID, "configuration"))
	}
	for _, section := range rest {
		stored.takeSection(section, p.Form)
	}
	stored.setVersion(made.Version)
	p.Form = stored
	if c.htmx() {
		c.sayNow(toast{Text: text})
	} else {
		c.flash = &toast{Text: text, Tone: "ok"}
	}
	return ui.configurationPage(c, p)
}

// setVersion names the version that the form was made from.
func (f *Form) setVersion(version int64) { f.Set("version", strconv.FormatInt(version, 10)) }
