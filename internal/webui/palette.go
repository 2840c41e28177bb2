package webui

import (
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// palettePage finds pages, objects and tasks by a few letters.
type palettePage struct {
	Shell
	Query string
	Items []paletteItem
}

type paletteItem struct {
	Path, Icon, Label, Kind string
}

const maxFound = 8 // of each kind

func (ui *UI) showPalette(c *call) error {
	p := &palettePage{Query: strings.TrimSpace(c.query("q"))}
	if err := p.find(c); err != nil {
		return err
	}
	return c.show("palette", c.t("Search"), p)
}

func (p *palettePage) find(c *call) error {
	if id, err := strconv.ParseInt(strings.TrimPrefix(p.Query, "#"), 10, 64); err == nil && id > 0 {
		if task, err := c.ui.service.Task(c.ctx(), c.who, id); err == nil {
			p.add("/tasks/"+strconv.FormatInt(id, 10), "inbox", "#"+strconv.FormatInt(id, 10)+" "+task.Ref, c.t("Task"))
		}
	}
	for _, item := range c.nav() {
		if p.matches(item.Label) {
			p.add(item.Path, item.Icon, item.Label, c.t("Page"))
		}
	}
	if p.Query == "" {
		return nil
	}
	if err := p.findObjects(c); err != nil {
		return err
	}
	found, err := c.ui.service.ListTasks(c.ctx(), c.who, service.TaskFilter{Ref: p.Query}, service.PageRequest{Limit: maxFound})
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeInvalid {
		return nil // too long for a ref
	}
	for _, t := range found.Items {
		p.add("/tasks/"+strconv.FormatInt(t.ID, 10), "inbox", "#"+strconv.FormatInt(t.ID, 10)+" "+t.Ref, c.t("Task"))
	}
	return err
}

func (p *palettePage) findObjects(c *call) error {
	if !c.who.IsStaff() {
		return nil
	}
	ask := service.PageRequest{Text: p.Query, Limit: maxFound}
	endpoints, err := c.ui.service.ListEndpoints(c.ctx(), c.who, ask)
	if err != nil {
		return ignoreInvalid(err)
	}
	for _, e := range endpoints.Items {
		p.add("/endpoints/"+strconv.FormatInt(e.ID, 10), "route", "/api/"+e.Path, c.t("Endpoint"))
	}
	resources, err := c.ui.service.ListResources(c.ctx(), c.who, ask)
	if err != nil {
		return err
	}
	for _, r := range resources.Items {
		p.add("/resources/"+strconv.FormatInt(r.ID, 10), "server", r.Name, c.t("Resource"))
	}
	clients, err := c.ui.service.ListClients(c.ctx(), c.who, ask)
	if err != nil {
		return err
	}
	for _, cl := range clients.Items {
		p.add("/clients/"+strconv.FormatInt(cl.ID, 10), "users", cl.Name, c.t("Client"))
	}
	return nil
}

// ignoreInvalid drops what only says that there can be nothing of that kind.
func ignoreInvalid(err error) error {
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeInvalid {
		return nil
	}
	return err
}

func (p *palettePage) matches(label string) bool {
	return strings.Contains(strings.ToLower(label), strings.ToLower(p.Query))
}

func (p *palettePage) add(path, icon, label, kind string) {
	for _, item := range p.Items {
		if item.Path == path {
			return
		}
	}
	p.Items = append(p.Items, paletteItem{Path: path, Icon: icon, Label: label, Kind: kind})
}
