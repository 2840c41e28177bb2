package webui

import (
	"crypto/rand"
	"html"
	"net/url"
	"strings"

	"dispatchapy"
)

// statusSection is what people without an account may see, and who of them.
var statusSection = &section{
	name: "status",
	fill: func(f *Form, s *dispatchapy.Settings) {
		p := &s.StatusPage
		f.SetOn("status_page.enabled", p.Enabled)
		f.Set("status_page.title", p.Title)
		f.Set("status_page.public", "")
		if p.Public {
			f.Set("status_page.public", "on")
		}
		f.SetOn("status_page.resources", p.Resources)
		for i, e := range p.Endpoints {
			f.Set(At(statusEndpoints, i, "path"), e.Path)
			f.Set(At(statusEndpoints, i, "name"), e.Name)
		}
	},
	read: func(f *Form) func(*dispatchapy.Settings) {
		read := f.statusPage()
		return func(s *dispatchapy.Settings) {
			page := read
			if page.Token == "" {
				page.Token = s.StatusPage.Token // masked: it stays what it is
			}
			s.StatusPage = page
		}
	},
}

const statusEndpoints = "status_page.endpoints"

func (f *Form) statusPage() dispatchapy.StatusPage {
	f.compact(statusEndpoints, "path", "name")
	p := dispatchapy.StatusPage{
		Enabled: f.On("status_page.enabled"), Title: strings.TrimSpace(f.Value("status_page.title")), Public: f.On("status_page.public"),
		Token: dispatchapy.Secret(strings.TrimSpace(f.Value("status_page.token"))), Resources: f.On("status_page.resources"),
	}
	for i := range f.Rows(statusEndpoints) {
		p.Endpoints = append(p.Endpoints, dispatchapy.StatusEndpoint{Path: strings.TrimSpace(f.Value(At(statusEndpoints, i, "path"))), Name: f.Value(At(statusEndpoints, i, "name"))})
	}
	return p
}

// saveStatusPage saves the section, or does to the form what a button asks for.
func (ui *UI) saveStatusPage(c *call) error {
	form := c.form()
	switch {
	case form.editRows(statusEndpoints):
		return ui.sectionForm(c, statusSection, form, nil)
	case form.Do() == "token":
		form.Set("status_page.token", rand.Text())
		form.Set("status_page.public", "")
		return ui.sectionForm(c, statusSection, form, nil)
	case form.Do() == "all":
		if err := c.addEndpoints(form); err != nil {
			return err
		}
		return ui.sectionForm(c, statusSection, form, nil)
	}
	saved, err := ui.storeSection(c, statusSection, form)
	if err != nil {
		return err
	}
	if !saved {
		form.labelStatusPage()
		return ui.sectionForm(c, statusSection, form, nil)
	}
	c.done("Saved.")
	return c.redirect(statusSection.path())
}

// addEndpoints adds those that are not on the page yet.
func (c *call) addEndpoints(f *Form) error {
	paths, err := endpointPaths(c)
	if err != nil {
		return err
	}
	rows := f.takeRows(statusEndpoints)
	shown := map[string]bool{}
	for _, r := range rows {
		shown[strings.Join(r[".path"], "")] = true
	}
	for _, path := range paths[:min(len(paths), dispatchapy.MaxStatusEndpoints)] {
		if !shown[path] && len(rows) < dispatchapy.MaxStatusEndpoints {
			rows = append(rows, row{".path": {path}, ".name": {""}})
		}
	}
	f.putRows(statusEndpoints, rows)
	return nil
}

func (f *Form) labelStatusPage() {
	f.Labels = map[string]string{
		"status_page.title": f.lang.T("Title"), "status_page.token": f.lang.T("Token"), statusEndpoints: f.lang.T("Endpoints"),
	}
	for i := range f.Rows(statusEndpoints) {
		f.Labels[At(statusEndpoints, i, "path")], f.Labels[At(statusEndpoints, i, "name")] = f.lang.T("Endpoint"), f.lang.T("What visitors read")
	}
}

// statusBadge is the picture of an endpoint's state, for other pages.
type statusBadge struct {
	Name, Path     string
	Image          string // address of the picture; "": it needs the token, which is not known here
	Markdown, HTML string
}

// Badges lists the badges of what is stored. The token is for those who use
// them to fill in.
func (p *settingsPage) Badges(origin string) []statusBadge {
	page := &p.Settings.StatusPage
	var out []statusBadge
	for _, e := range page.Endpoints {
		path := "/status/badge/" + (&url.URL{Path: e.Path}).EscapedPath() + ".svg"
		b := statusBadge{Name: e.Name, Path: e.Path}
		if b.Name == "" {
			b.Name = e.Path
		}
		address, link := origin+path, origin+"/status"
		if page.Public {
			b.Image = path
		} else {
			address, link = address+"?token=TOKEN", link+"?token=TOKEN"
		}
		text := strings.NewReplacer("[", `\[`, "]", `\]`).Replace(b.Name)
		b.Markdown = "[![" + text + "](" + address + ")](" + link + ")"
		b.HTML = `<a href="` + html.EscapeString(link) + `"><img src="` + html.EscapeString(address) + `" alt="` + html.EscapeString(b.Name) + `"></a>`
		out = append(out, b)
	}
	return out
}

// EndpointPaths are the endpoints to choose from.
func (p *settingsPage) EndpointPaths() []string { return p.endpoints }

// StatusOn reports whether there is a status page.
func (p *settingsPage) StatusOn() bool { return p.Settings.StatusPage.Enabled }

// StoredToken reports whether the status page has a token.
func (p *settingsPage) StoredToken() bool { return p.Settings.StatusPage.Token != "" }
