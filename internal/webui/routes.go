package webui

import (
	"net/http"
	"regexp"
	"slices"

	"dispatchapy"
)

// access says who may open a page at all. What of it they may do and see is
// decided by the service.
type access struct {
	open       bool                   // to strangers
	clients    bool                   // to clients; for them other pages do not exist
	staff      bool                   // to people who run the gateway
	permission dispatchapy.Permission // that staff needs; "": none

	body  int64 // bytes that may be sent; 0: maxForm
	reads bool  // the handler reads the body itself, and checks that the form is ours
}

var (
	anybody    = access{open: true, clients: true, staff: true}
	everybody  = access{clients: true, staff: true} // who signed in
	staff      = access{staff: true}
	clients    = access{clients: true}
	admins     = access{staff: true, permission: dispatchapy.WriteConfig}
	senders    = access{staff: true, permission: dispatchapy.ActOnTasks}
	checkers   = access{staff: true, permission: dispatchapy.CheckHealth}
	auditors   = access{staff: true, permission: dispatchapy.ReadAudit}
	handlers   = access{staff: true, permission: dispatchapy.HandleIncidents}
	userAdmins = access{staff: true, permission: dispatchapy.ManageUsers}
)

// route is one line of the table of pages.
type route struct {
	method string
	path   string
	access access
	handle func(*call) error
}

func (r route) pattern() string { return r.method + " " + r.path }

// routes is the table of all pages, from which the authorisation matrix of the
// tests is made.
func (ui *UI) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return slices.Concat([]route{
		{get, "/login", anybody, ui.showLogin},
		{post, "/login", anybody, ui.signIn},
		{post, "/logout", anybody, ui.signOut},
		{get, "/{$}", everybody, ui.showOverview},
		{get, "/live", everybody, ui.stream},
		{get, "/palette", everybody, ui.showPalette},
		{post, "/preferences", anybody, ui.savePreferences},
		{get, "/tasks", everybody, ui.showTasks},
		{post, "/tasks", everybody, ui.actOnTasks},
		{post, "/tasks/views", everybody, ui.changeViews},
		{post, "/tasks/restore", everybody, ui.restoreTasks},
		{get, "/tasks/export", everybody, ui.exportTasks},
		{get, "/tasks/suggest", everybody, ui.suggestTasks},
		{get, "/tasks/{id}", everybody, ui.showTask},
		{post, "/tasks/{id}", everybody, ui.actOnTask},
		{get, "/tasks/{id}/resend", everybody, ui.showResend},
		{post, "/tasks/{id}/resend", everybody, ui.resendTask},
		{get, "/held", everybody, ui.showHeld},
		{post, "/held", everybody, ui.actOnHeld},
		{get, "/held/count", everybody, ui.showHeldCount},
		{post, "/held/switch", everybody, ui.switchHold},
		{get, "/tasks/rows", everybody, ui.showTaskRows},
		{get, "/tasks/news", everybody, ui.showTaskNews},
	},
		ui.clientRoutes(),
		ui.settingsRoutes(),
		ui.peopleRoutes(),
		ui.transferRoutes(),
		ui.documentationRoutes(),
		ui.activityRoutes(),
		ui.incidentRoutes(),
		ui.alertRoutes(),
		ui.notificationRoutes(),
		ui.statusRoutes(),
		ui.resourceRoutes(),
		ui.maintenanceRoutes(),
		ui.endpointRoutes(),
		ui.setupRoutes(),
	)
}

// Page is where a page is, as a pattern of net/http, and who may open it.
type Page struct {
	Pattern                   string
	Strangers, Clients, Staff bool
}

// Pages lists all pages, for tests that go to each.
func Pages() []Page {
	var out []Page
	for _, r := range (&UI{}).routes() {
		out = append(out, Page{Pattern: r.pattern(), Strangers: r.access.open, Clients: r.access.clients, Staff: r.access.staff})
	}
	return out
}

// moved are the addresses of the original's pages, and of former ones of ours.
var moved = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`^/client/login$`), "/login?as=client"},
	{regexp.MustCompile(`^/client/dashboard$`), "/"},
	{regexp.MustCompile(`^/task/(\d+)$`), "/tasks/$1"},
	{regexp.MustCompile(`^/resources/(\d+)/history$`), "/resources/$1"},
	{regexp.MustCompile(`^/resources/edit/(\d+)$`), "/resources/$1/configuration"},
	{regexp.MustCompile(`^/endpoints/edit/(\d+)$`), "/endpoints/$1"},
	{regexp.MustCompile(`^/endpoints/(\d+)/mapping$`), "/endpoints/$1/rules"},
	{regexp.MustCompile(`^/clients/edit/(\d+)$`), "/clients/$1"},
	{regexp.MustCompile(`^/docs(/explorer)?$`), "/documentation$1"},
}

// nowhere answers what no route takes: old addresses lead to where their page
// is now.
func (ui *UI) nowhere(c *call) error {
	path := c.r.URL.Path
	for _, m := range moved {
		if c.r.Method == http.MethodGet && m.from.MatchString(path) {
			http.Redirect(c.w, c.r, m.from.ReplaceAllString(path, m.to), http.StatusMovedPermanently)
			return nil
		}
	}
	return errNowhere
}
