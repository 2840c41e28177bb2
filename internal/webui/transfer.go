package webui

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/service"
)

// exporters may have the whole configuration, secrets and all; files are larger
// than other forms.
var (
	exporters = access{staff: true, permission: dispatchapy.ReadSecrets}
	importers = access{staff: true, permission: dispatchapy.ReadSecrets, body: gatewayfile.MaxSize + 1<<20}
	uploaders = access{staff: true, permission: dispatchapy.ReadSecrets, body: service.MaxOriginal + 1<<20, reads: true}
)

func (ui *UI) transferRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/settings/transfer", exporters, ui.showTransfer},
		{post, "/settings/transfer/export", exporters, ui.exportConfig},
		{post, "/settings/transfer/compare", importers, ui.compareFile},
		{get, "/settings/transfer/compare/{key}", exporters, ui.showComparison},
		{post, "/settings/transfer/compare/{key}", exporters, ui.applyFile},
		{post, "/settings/transfer/original", uploaders, ui.uploadOriginal},
		{get, "/settings/transfer/original/{key}", exporters, ui.showOriginal},
		{post, "/settings/transfer/original/{key}", exporters, ui.importOriginal},
	}
}

// transferPage is where the configuration leaves and comes.
type transferPage struct {
	Shell
	settingsFrame
	Export   *Form
	Import   *Form
	Original *Form
}

func (ui *UI) showTransfer(c *call) error { return ui.transferForms(c, nil, nil, nil) }

// transferForms shows the page; forms that are nil are empty.
func (ui *UI) transferForms(c *call, export, file, upload *Form) error {
	status := http.StatusOK
	for _, form := range []**Form{&export, &file, &upload} {
		if *form == nil {
			*form = c.newForm(url.Values{"secrets": {"sealed"}, "format": {"yaml"}})
			continue
		}
		status = max(status, (*form).Status())
	}
	return c.showStatus(status, "transfer", c.t("Settings"), &transferPage{
		settingsFrame: c.frame("/settings/transfer"), Export: export, Import: file, Original: upload,
	})
}

// exportConfig sends the configuration as a file.
func (ui *UI) exportConfig(c *call) error {
	form := c.form()
	o := service.ExportOptions{Format: service.FormatYAML}
	name, contentType := "dispatchapy-"+time.Now().UTC().Format(time.DateOnly)+".yaml", "application/yaml"
	if form.Value("format") == "json" {
		o.Format = service.FormatJSON
		name, contentType = name[:len(name)-len("yaml")]+"json", "application/json"
	}
	switch form.Value("secrets") {
	case "plain":
	case "sealed":
		if o.Passphrase = dispatchapy.Secret(form.Value("passphrase")); o.Passphrase == "" {
			form.Refuse("passphrase", "give a passphrase of at least 12 characters")
			return ui.transferForms(c, form, nil, nil)
		}
	default:
		o.Masked = true
	}
	file, err := ui.service.ExportConfig(c.ctx(), c.who, o)
	if form.Take(err) {
		return ui.transferForms(c, form, nil, nil)
	}
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	c.write(http.StatusOK, file)
	return nil
}

// compareFile takes a gateway file, as an upload or as text, and goes on to what
// it would change.
func (ui *UI) compareFile(c *call) error {
	form := c.form()
	item := &stashed{owner: c.who, name: "pasted.yaml", data: []byte(form.Value("text")), prune: form.On("prune"), passphrase: dispatchapy.Secret(form.Value("file_passphrase"))}
	if file, header, err := c.r.FormFile("file"); err == nil && header.Filename != "" {
		defer file.Close()
		item.name = header.Filename
		if item.data, err = io.ReadAll(file); err != nil {
			return err
		}
	}
	if len(item.data) == 0 {
		form.Refuse("file", "choose a file, or paste its text")
		return ui.transferForms(c, nil, form, nil)
	}
	_, err := ui.service.Compare(c.ctx(), c.who, item.name, item.data, item.options())
	if form.Take(err) {
		for i := range form.Faults {
			if form.Faults[i].Path == "passphrase" {
				form.Faults[i].Path = "file_passphrase" // the page has another one
			}
		}
		return ui.transferForms(c, nil, form, nil)
	}
	if err != nil {
		return err
	}
	return c.redirect("/settings/transfer/compare/" + ui.stash.put(item))
}

func (s *stashed) options() service.ApplyOptions {
	return service.ApplyOptions{Prune: s.prune, Passphrase: s.passphrase}
}

// comparisonPage shows what a gateway file would change, and what it changed.
type comparisonPage struct {
	Shell
	settingsFrame
	Form     *Form
	Key      string
	Name     string
	Prune    bool
	Changes  []comparedChange // as many as there is room for
	More     int
	Counts   map[string]int // by action
	Warnings []dispatchapy.FieldError
	Tokens   []service.Change // of new clients, after it was applied
	Done     bool
}

// Opens reports whether there are so few changes that all are shown open.
func (p *comparisonPage) Opens() bool { return len(p.Changes) <= 10 }

// comparedChange is a change with its lines.
type comparedChange struct {
	service.ComparedChange
	Diff []Line
}

// Secret reports whether only a secret differs, which is not shown.
func (c *comparedChange) Secret() bool { return len(c.Diff) == 0 }

const shownChanges = 200

func (ui *UI) showComparison(c *call) error {
	return ui.comparison(c, c.newForm(nil))
}

func (ui *UI) comparison(c *call, form *Form) error {
	key := c.r.PathValue("key")
	item, err := ui.stash.get(key, c.who)
	if err != nil {
		return err
	}
	compared, err := ui.service.Compare(c.ctx(), c.who, item.name, item.data, item.options())
	if form.Take(err) {
		return ui.transferForms(c, nil, form, nil)
	}
	if err != nil {
		return err
	}
	status := form.Status()
	form.Clash = nil // what is shown is the comparison with the present version
	form.Set("version", strconv.FormatInt(compared.Version, 10))
	p := &comparisonPage{
		settingsFrame: c.frame("/settings/transfer"), Form: form, Key: key, Name: item.name, Prune: item.prune,
		Counts: map[string]int{}, Warnings: compared.Warnings,
	}
	for i, change := range compared.Changes {
		p.Counts[string(change.Action)]++
		if i >= shownChanges {
			p.More++
			continue
		}
		row := comparedChange{ComparedChange: change}
		if before, after := indentJSON(change.Before), indentJSON(change.After); before != after {
			row.Diff = shortDiff(diffLines(before, after))
		}
		p.Changes = append(p.Changes, row)
	}
	return c.showStatus(status, "transfer-compare", c.t("Settings"), p)
}

// applyFile applies a gateway file as it was compared.
func (ui *UI) applyFile(c *call) error {
	form := c.form()
	item, err := ui.stash.get(c.r.PathValue("key"), c.who)
	if err != nil {
		return err
	}
	options := item.options()
	if options.Expect = form.Version(); options.Expect == nil {
		options.Expect = new(int64) // nobody has looked at version 0
	}
	result, err := ui.service.Apply(c.ctx(), c.who, item.name, item.data, options)
	if form.Take(err) {
		return ui.comparison(c, form)
	}
	if err != nil {
		return err
	}
	_, _ = ui.stash.take(c.r.PathValue("key"), c.who) // it was applied; somebody may have dropped it
	p := &comparisonPage{settingsFrame: c.frame("/settings/transfer"), Form: form, Name: item.name, Done: true, Counts: map[string]int{}}
	for _, change := range result.Changes {
		p.Counts[string(change.Action)]++
		if change.Token != "" {
			p.Tokens = append(p.Tokens, change)
		}
	}
	c.w.Header().Set("HX-Replace-Url", "/settings/transfer")
	return c.show("transfer-compare", c.t("Settings"), p)
}
