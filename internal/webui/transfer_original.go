package webui

import (
	"dispatchapy"
	"dispatchapy/internal/service"
)

// originalPage is what a database of the original would bring, and has brought.
type originalPage struct {
	Shell
	settingsFrame
	Form   *Form
	Key    string
	Name   string
	Report service.Imported
	Done   bool
}

// Waiting is how many tasks are sent as soon as they have come.
func (p *originalPage) Waiting() int { return p.Report.Tasks[dispatchapy.StatusPending] }

// Again reports whether the file seems to be here already.
func (p *originalPage) Again() bool { return p.Form.Failed() }

// uploadOriginal keeps an uploaded database and goes on to what it would bring.
func (ui *UI) uploadOriginal(c *call) error {
	_, file, err := c.upload("file")
	if err != nil {
		return err
	}
	form := c.newForm(nil)
	if file.FileName() == "" {
		form.Refuse("file", "choose the original's database file")
		return ui.transferForms(c, nil, nil, form)
	}
	item := &stashed{owner: c.who, name: file.FileName()}
	if item.path, err = ui.service.KeepUpload(c.ctx(), c.who, file); err == nil {
		_, err = ui.service.ImportOriginal(c.ctx(), c.who, item.path, service.OriginalOptions{DryRun: true, Name: item.name})
	}
	if err != nil {
		ui.service.DropUpload(item.path)
	}
	if form.Take(err) || c.takeTooLarge(form, err) {
		return ui.transferForms(c, nil, nil, form)
	}
	if err != nil {
		return err
	}
	return c.redirect("/settings/transfer/original/" + ui.stash.put(item))
}

// takeTooLarge notes that an upload was too large.
func (c *call) takeTooLarge(form *Form, err error) bool {
	if dispatchapy.ErrorCode(err) != dispatchapy.CodeTooLarge {
		return false
	}
	form.Message = c.said(err)
	return true
}

func (ui *UI) showOriginal(c *call) error { return ui.originalReport(c, c.newForm(nil)) }

func (ui *UI) originalReport(c *call, form *Form) error {
	key := c.r.PathValue("key")
	item, err := ui.stash.get(key, c.who)
	if err != nil {
		return err
	}
	report, err := ui.service.ImportOriginal(c.ctx(), c.who, item.path, service.OriginalOptions{DryRun: true, Name: item.name})
	if err != nil {
		return err
	}
	return c.showStatus(form.Status(), "transfer-original", c.t("Settings"), &originalPage{
		settingsFrame: c.frame("/settings/transfer"), Form: form, Key: key, Name: item.name, Report: report,
	})
}

// importOriginal brings an uploaded database over. It is taken from the stash
// meanwhile, so that nobody starts it twice.
func (ui *UI) importOriginal(c *call) error {
	form := c.form()
	item, err := ui.stash.take(c.r.PathValue("key"), c.who)
	if err != nil {
		return err
	}
	c.extend()
	done, err := ui.service.ImportOriginal(c.ctx(), c.who, item.path, service.OriginalOptions{Merge: true, Again: form.On("again"), Name: item.name})
	if form.Take(err) {
		c.r.SetPathValue("key", ui.stash.put(item))
		return ui.originalReport(c, form)
	}
	ui.service.DropUpload(item.path)
	if err != nil {
		return err
	}
	return c.show("transfer-original", c.t("Settings"), &originalPage{
		settingsFrame: c.frame("/settings/transfer"), Form: form, Name: item.name, Report: done, Done: true,
	})
}
