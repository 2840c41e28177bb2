package webui

import (
	"net/http"

	"dispatchapy"
)

func (ui *UI) settingsRoutes() []route {
	const post = http.MethodPost
	return []route{
		{post, "/settings/sessions/others/end", everybody, ui.endOtherSessions},
		{post, "/settings/sessions/{id}/end", everybody, ui.endSession},
	}
}

// settingsFrame is the list of sections beside every page of the settings.
type settingsFrame struct {
	Sections []navItem
}

// frame gives the sections that the person may open. current is the path of the
// one that is shown.
func (c *call) frame(current string) settingsFrame {
	var sections []navItem
	add := func(path, label string) {
		sections = append(sections, navItem{Path: path, Label: label, Current: path == current})
	}
	if !c.who.IsStaff() {
		add("/settings", c.t("Development"))
		add("/settings/token", c.t("Token"))
		add("/settings/security", c.t("Sessions"))
		add("/settings/look", c.t("Look and language"))
		return settingsFrame{sections}
	}
	add("/settings", c.t("General"))
	add("/settings/delivery", c.t("Delivery"))
	add("/settings/retention", c.t("Retention"))
	add("/settings/email", c.t("Email"))
	add("/settings/security", c.t("Security and sessions"))
	if c.who.May(dispatchapy.ManageUsers) {
		add("/settings/users", c.t("Users"))
		add("/settings/tokens", c.t("API tokens"))
	}
	if c.who.May(dispatchapy.ReadSecrets) {
		add("/settings/transfer", c.t("Import and export"))
	}
	add("/settings/look", c.t("Look and language"))
	add("/settings/about", c.t("About"))
	return settingsFrame{sections}
}
