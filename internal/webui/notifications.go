package webui

import (
	"net/http"
	"strconv"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func (ui *UI) notificationRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/incidents/notifications", staff, ui.showNotifications},
		{get, "/incidents/notifications/{id}", staff, ui.showNotification},
		{post, "/incidents/notifications/{id}/retry", handlers, ui.retryNotification},
	}
}

// notificationsPage lists who was told what.
type notificationsPage struct {
	Shell
	Form    *Form // the filter, as it stands in the address
	Filters []*Field
	Chips   []linkChip
	Rows    []*notificationRow
	Older   string // address of the next page; "" at the end
	Newest  string // address of the first page; "" on it
}

// notificationRow is a notification with what lists say of it.
type notificationRow struct {
	service.Notification
	What    string // it says
	Through string // the channel
	State   state
}

const notificationsPath = "/incidents/notifications"

// notificationFilters are the parameters of the list's address.
var notificationFilters = []string{"state", "channel", "resource", "incident", "cursor"}

// notificationStates are the parts of the list.
var notificationStates = map[string][]string{
	"waiting": {string(dispatchapy.NotificationPending), string(dispatchapy.NotificationProcessing)},
	"sent":    {string(dispatchapy.NotificationSent)},
	"failed":  {string(dispatchapy.NotificationFailed)},
	"dropped": {string(dispatchapy.NotificationDropped)},
}

// Narrowed reports whether anything but the state leaves something out.
func (p *notificationsPage) Narrowed() bool {
	return p.Form.Value("channel")+p.Form.Value("resource")+p.Form.Value("incident") != ""
}

// IsLive reports whether the page is to change with what happens.
func (p *notificationsPage) IsLive() bool { return p.Newest == "" && !p.Form.Failed() }

func (ui *UI) showNotifications(c *call) error {
	p := &notificationsPage{Form: c.newForm(c.r.URL.Query())}
	p.Form.Set("state", oneOf(p.Form.Value("state"), "waiting", "sent", "failed", "dropped"))
	filter := service.NotificationFilter{Statuses: notificationStates[p.Form.Value("state")], Channel: p.Form.Value("channel"), Resource: p.Form.Value("resource")}
	if text := p.Form.Value("incident"); text != "" {
		var err error
		if filter.Incident, err = strconv.ParseInt(text, 10, 64); err != nil || filter.Incident < 1 {
			p.Form.Refuse("incident", "must be a whole number")
		}
	}
	cursor := p.Form.Value("cursor")
	if !p.Form.Failed() {
		page, err := c.notifications(filter, service.PageRequest{Cursor: cursor})
		if err != nil && !p.Form.Take(err) {
			return err
		}
		if p.Rows = page.Items; page.Next != "" {
			p.Older = p.Form.address(notificationsPath, notificationFilters, "cursor", page.Next)
		}
	}
	if cursor != "" {
		p.Newest = p.Form.address(notificationsPath, notificationFilters, "cursor", "")
	}
	if err := p.addFilters(c); err != nil {
		return err
	}
	return c.showStatus(p.Form.Status(), "notifications", c.t("Notifications"), p)
}

func (p *notificationsPage) addFilters(c *call) error {
	for _, chip := range []struct{ state, label string }{
		{"", c.t("All")}, {"waiting", c.t("Waiting")}, {"sent", c.t("Sent")}, {"failed", c.t("Given up")}, {"dropped", c.t("Not sent")},
	} {
		to := p.Form.address(notificationsPath, notificationFilters[1:len(notificationFilters)-1], "state", chip.state)
		p.Chips = append(p.Chips, linkChip{to, chip.label, p.Form.Value("state") == chip.state})
	}
	for _, f := range []struct {
		key, label, all string
		names           func(*call) ([]string, error)
	}{{"channel", c.t("Channel"), c.t("Any channel"), channelNames}, {"resource", c.t("Notice of a resource"), c.t("Any resource"), resourceNames}} {
		field, err := c.nameFilter(f.key, f.label, f.all, p.Form.Value(f.key), f.names)
		if err != nil {
			return err
		}
		p.Filters = append(p.Filters, field)
	}
	return nil
}

func channelNames(c *call) ([]string, error) {
	settings, err := c.ui.service.Settings(c.ctx(), c.who)
	var names []string
	for i := range settings.Alerts.Channels {
		names = append(names, settings.Alerts.Channels[i].Name)
	}
	return names, err
}

// notifications reads a page of notifications.
func (c *call) notifications(f service.NotificationFilter, r service.PageRequest) (service.Page[*notificationRow], error) {
	found, err := c.ui.service.ListNotifications(c.ctx(), c.who, f, r)
	page := service.Page[*notificationRow]{Next: found.Next}
	w := &words{c.lang}
	for i := range found.Items {
		page.Items = append(page.Items, w.notificationRow(&found.Items[i]))
	}
	return page, err
}

// notificationPage tells of a notification what it tells of.
type notificationPage struct {
	Shell
	*notificationRow
	About []toldEvent
}

// toldEvent is an event with its words.
type toldEvent struct {
	service.Event
	What string
}

// Row gives the notification as lists show it.
func (p *notificationPage) Row() *notificationRow { return p.notificationRow }

// More counts the events that are not listed.
func (p *notificationPage) More() int { return max(0, p.Events-len(p.About)) }

func (ui *UI) showNotification(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	found, err := ui.service.Notification(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	w := &words{c.lang}
	p := &notificationPage{notificationRow: w.notificationRow(&found)}
	for _, e := range found.Told {
		p.About = append(p.About, toldEvent{e, w.event(e.Kind)})
	}
	return c.show("notification", p.What, p)
}

// retryNotification sends a notification again, at once.
func (ui *UI) retryNotification(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if _, err := ui.service.RetryNotification(c.ctx(), c.who, id); err != nil {
		return c.refused(err, notificationPath(id, ""))
	}
	return c.again(toast{Text: c.t("It is sent again. What comes of it stands here in a moment.")}, notificationPath(id, ""))
}

func notificationPath(id int64, below string) string {
	path := notificationsPath + "/" + strconv.FormatInt(id, 10)
	if below != "" {
		path += "/" + below
	}
	return path
}

// Own gives the address of the notification, or of what is below it.
func (r *notificationRow) Own(below string) string { return notificationPath(r.ID, below) }

// Retryable reports whether somebody can have it sent again.
func (r *notificationRow) Retryable() bool {
	return r.Status == dispatchapy.NotificationFailed || r.Status == dispatchapy.NotificationDropped || r.Status == dispatchapy.NotificationPending && r.Attempts > 0
}

// Waits reports whether it is due later.
func (r *notificationRow) Waits() bool { return r.Status == dispatchapy.NotificationPending }
