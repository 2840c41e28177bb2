package webui

import (
	"net/http"
	"strconv"

	"dispatchapy/internal/service"
)

func (ui *UI) activityRoutes() []route {
	return []route{{http.MethodGet, "/activity", auditors, ui.showActivity}}
}

// activityPage is who did what, newest first.
type activityPage struct {
	Shell
	Form    *Form // the filter, as it stands in the address
	Entries []activityEntry
	Older   string // address of the next page; "" at the end
	Newest  string // address of the first page; "" on it
	Object  string // of the filter, in words; "": none
}

// Filtered reports whether anything is left out.
func (p *activityPage) Filtered() bool {
	return p.Form.Value("by")+p.Form.Value("kind")+p.Form.Value("object")+p.Form.Value("since")+p.Form.Value("until") != ""
}

// activityEntry is an entry of the audit log with what changed.
type activityEntry struct {
	service.AuditEntry
	Did  string // the action in words
	Path string // page of the object; "": it has none
	Of   string // address of everything about the object; "": it has none
	Diff []Line // nil: nothing to compare
}

// actionWords say what was done.
var actionWords = map[string]string{
	"create": tr("created"), "update": tr("changed"), "delete": tr("deleted"), "test": tr("tested"), "send": tr("sent a message to"), "import": tr("imported"), "export": tr("exported"),
	"rotate key": tr("rotated the secret key"), "sign in": tr("signed in"), "sign out": tr("signed out"), "sign in refused": tr("was refused at sign in"),
	"end session": tr("ended a session of"), "end other sessions": tr("ended the other sessions of"), "change password": tr("changed the password of"),
}

// kindPaths are where the pages of objects are.
var kindPaths = map[string]string{"resource": "/resources/", "endpoint": "/endpoints/", "client": "/clients/", "user": "/settings/users/", "token": "/settings/tokens/"}

// activityFilters are the parameters of the page's address.
var activityFilters = []string{"by", "kind", "object", "since", "until", "cursor"}

func (ui *UI) showActivity(c *call) error {
	p := &activityPage{Form: c.newForm(c.r.URL.Query())}
	filter := p.filter()
	if p.Form.Failed() {
		return c.showStatus(p.Form.Status(), "activity", c.t("Activity"), p)
	}
	page, err := ui.service.ListAudit(c.ctx(), c.who, filter, service.PageRequest{Cursor: p.Form.Value("cursor")})
	if p.Form.Take(err) {
		return c.showStatus(p.Form.Status(), "activity", c.t("Activity"), p)
	}
	if err != nil {
		return err
	}
	for i := range page.Items {
		p.Entries = append(p.Entries, c.activityEntry(&page.Items[i]))
	}
	if page.Next != "" {
		p.Older = p.Form.address("/activity", activityFilters, "cursor", page.Next)
	}
	if p.Form.Value("cursor") != "" {
		p.Newest = p.Form.address("/activity", activityFilters, "cursor", "")
	}
	if filter.Object != 0 {
		p.Object = filter.Kind + " " + p.Form.Value("object")
		if len(p.Entries) > 0 && p.Entries[0].Name != "" {
			p.Object = filter.Kind + " " + p.Entries[0].Name
		}
	}
	return c.show("activity", c.t("Activity"), p)
}

// filter reads what is asked for. Days are those of UTC; until includes its own.
func (p *activityPage) filter() service.AuditFilter {
	f := service.AuditFilter{By: p.Form.Value("by"), Kind: p.Form.Value("kind"), Since: p.Form.Day("since"), Until: p.Form.Day("until")}
	if !f.Until.IsZero() {
		f.Until = f.Until.Add(day)
	}
	if object := p.Form.Value("object"); object != "" {
		id, err := strconv.ParseInt(object, 10, 64)
		if err != nil {
			p.Form.Refuse("object", "must be a number")
		}
		f.Object = id
	}
	return f
}

func (c *call) activityEntry(e *service.AuditEntry) activityEntry {
	row := activityEntry{AuditEntry: *e, Did: e.Action}
	if words, known := actionWords[e.Action]; known {
		row.Did = c.t(words)
	}
	id := strconv.FormatInt(e.ObjectID, 10)
	if prefix := kindPaths[string(e.Kind)]; prefix != "" && e.ObjectID != 0 {
		row.Of = "/activity?kind=" + string(e.Kind) + "&object=" + id
		if e.Action != "delete" {
			row.Path = prefix + id
		}
	} else if e.Kind == "settings" {
		row.Path, row.Of = "/settings", "/activity?kind=settings"
	}
	if len(e.Before)+len(e.After) > 0 {
		row.Diff = shortDiff(diffLines(indentJSON(e.Before), indentJSON(e.After)))
	}
	return row
}
