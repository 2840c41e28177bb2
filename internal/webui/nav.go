package webui

import (
	"net/http"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// nav gives the places that whoever asks may go to.
func (c *call) nav() []navItem {
	items := []navItem{
		{Path: "/", Icon: "house", Label: c.t("Overview"), Bar: true},
		{Path: "/tasks", Icon: "inbox", Label: c.t("Tasks"), Bar: true},
		{Path: "/held", Icon: "pause", Label: c.t("Held"), Bar: true, Of: dispatchapy.ChangeHeld},
	}
	if c.who.IsStaff() {
		items = append(items,
			navItem{Path: "/incidents", Icon: "siren", Label: c.t("Incidents"), Of: dispatchapy.ChangeIncident},
			navItem{Path: "/endpoints", Icon: "route", Label: c.t("Endpoints"), Group: c.t("Routes"), Bar: true},
			navItem{Path: "/resources", Icon: "server", Label: c.t("Resources")},
			navItem{Path: "/clients", Icon: "users", Label: c.t("Clients")},
			navItem{Path: "/documentation", Icon: "book-open", Label: c.t("API docs"), Group: c.t("More")},
		)
		if c.who.May("read the audit log") {
			items = append(items, navItem{Path: "/activity", Icon: "history", Label: c.t("Activity")})
		}
	} else {
		items = append(items, navItem{Path: "/documentation", Icon: "book-open", Label: c.t("API docs"), Bar: true})
	}
	items = append(items, navItem{Path: "/settings", Icon: "settings", Label: c.t("Settings")})
	for i := range items {
		items[i].Current = within(c.r.URL.Path, items[i].Path)
	}
	return items
}

// within reports whether a path is that of a place, or of a page below it.
func within(path, place string) bool {
	return path == place || place != "/" && strings.HasPrefix(path, place+"/")
}

// addCounts says beside places how much is there. Parts of pages have no places.
//
// Failure policy: fail open. A page is worth having without the numbers.
func (c *call) addCounts(items []navItem) {
	if c.htmx() {
		return
	}
	for i := range items {
		switch items[i].Of {
		case dispatchapy.ChangeHeld:
			items[i].Count = c.heldCount()
		case dispatchapy.ChangeIncident:
			items[i].Count = c.incidentCount()
		}
	}
}

// showCount answers a script that shows a number beside a place.
func (c *call) showCount(count string) error {
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.write(http.StatusOK, []byte(count))
	return nil
}

// heldCount gives how many tasks are held as a text, "" if none is.
func (c *call) heldCount() string {
	counts, err := c.ui.service.CountTasks(c.ctx(), c.who, service.TaskFilter{Phases: []dispatchapy.Phase{dispatchapy.PhaseHeld}})
	if err != nil || counts[dispatchapy.PhaseHeld].N == 0 {
		return ""
	}
	return c.count(counts[dispatchapy.PhaseHeld])
}
