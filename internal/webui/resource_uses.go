package webui

import (
	"errors"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// resourceUsesPage lists the endpoints that lead to a resource.
type resourceUsesPage struct {
	resourcePage
	Uses []service.ResourceUse
}

func (ui *UI) showUses(c *call) error {
	head, err := c.openResource("used-by")
	if err != nil {
		return err
	}
	p := &resourceUsesPage{resourcePage: head}
	if p.Uses, err = ui.service.ResourceUses(c.ctx(), c.who, p.R.ID); err != nil {
		return err
	}
	return c.show("resource_uses", c.t("Used by: {name}", "name", p.R.Name), p)
}

// resourceDeletePage names what deleting a resource does.
type resourceDeletePage struct {
	resourcePage
	Uses    []service.ResourceUse
	Impact  service.Impact
	Changed bool // since the page was shown
}

func (ui *UI) confirmResourceDelete(c *call) error { return ui.resourceDelete(c, http.StatusOK, false) }

func (ui *UI) resourceDelete(c *call, status int, changed bool) error {
	head, err := c.openResource("delete")
	if err != nil {
		return err
	}
	p := &resourceDeletePage{resourcePage: head, Changed: changed}
	if p.Impact, err = ui.service.ResourceImpact(c.ctx(), c.who, p.R.ID); err != nil {
		return err
	}
	if p.Uses, err = ui.service.ResourceUses(c.ctx(), c.who, p.R.ID); err != nil {
		return err
	}
	return c.showStatus(status, "resource_delete", c.t("Delete {name}", "name", p.R.Name), p)
}

// deleteResource deletes it if its impact is still what the page said.
func (ui *UI) deleteResource(c *call) error {
	head, err := c.openResource("delete")
	if err != nil {
		return err
	}
	err = ui.service.DeleteResource(c.ctx(), c.who, head.R.ID, c.form().Version(), true)
	var conflict *service.ConflictError
	switch {
	case errors.As(err, &conflict):
		return ui.resourceDelete(c, http.StatusConflict, true)
	case err != nil:
		return err
	}
	c.done("{name} is deleted.", "name", head.R.Name)
	return c.redirect("/resources")
}

// switchResource switches a resource on or off, whatever else changed.
func (ui *UI) switchResource(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	on := c.r.PostFormValue("on") != ""
	stored, err := ui.service.Resource(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	r, err := ui.service.UpdateResource(c.ctx(), c.who, id, &stored.Version, func(r *dispatchapy.Resource) error {
		r.Active = &on
		return nil
	})
	if err != nil {
		return err
	}
	text, undoing := c.t("{name} is switched off: it gets no messages.", "name", r.Name), "on"
	if on {
		text, undoing = c.t("{name} is switched on.", "name", r.Name), ""
	}
	back := c.back(resourcePath(id, ""))
	return c.again(toast{Text: text, Undo: &undo{resourcePath(id, "active"), map[string][]string{"on": {undoing}, "back": {back}}}}, back)
}

// duplicateResource adds a copy and opens its configuration.
func (ui *UI) duplicateResource(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	made, err := ui.service.DuplicateResource(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	c.done("This is the copy. It is switched off, and not checked, until you say so.")
	return c.redirect(resourcePath(made.ID, "configuration"))
}
