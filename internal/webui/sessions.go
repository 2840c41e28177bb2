package webui

import (
	"strconv"
	"strings"

	"dispatchapy/internal/people"
)

// sessionRow is a session in a list.
type sessionRow struct {
	people.SessionInfo
}

// Browser words what somebody signed in with: "Firefox, Windows".
func (s *sessionRow) Browser() string {
	words := []string{}
	if name := firstIn(s.Agent, browsers); name != "" {
		words = append(words, name)
	}
	if name := firstIn(s.Agent, systems); name != "" {
		words = append(words, name)
	}
	if len(words) == 0 {
		return s.Agent
	}
	return strings.Join(words, ", ")
}

// browsers and systems are what user agents say, in an order in which the first
// that is found is right: most of them claim to be others as well.
var (
	browsers = [][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}}
	systems  = [][2]string{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}}
)

func firstIn(text string, names [][2]string) string {
	for _, n := range names {
		if strings.Contains(text, n[0]) {
			return n[1]
		}
	}
	return ""
}

// sessions gives the sessions that the person may see, as far as they are
// wanted.
func (c *call) sessions(wanted func(*sessionRow) bool) ([]sessionRow, error) {
	found, err := c.ui.people.Sessions(c.ctx(), c.who, c.session)
	if err != nil {
		return nil, err
	}
	var rows []sessionRow
	for _, s := range found {
		if row := (sessionRow{s}); wanted(&row) {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// endSession ends one session: the person's own, or anybody's for whoever
// manages users.
func (ui *UI) endSession(c *call) error {
	id, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
	if err != nil {
		return errNowhere
	}
	if err := ui.people.Revoke(c.ctx(), c.who, id); err != nil {
		return err
	}
	c.done("The session was ended.")
	return c.redirect(c.back("/settings/security"))
}

// endOtherSessions ends the person's own sessions but for this one.
func (ui *UI) endOtherSessions(c *call) error {
	n, err := ui.people.RevokeOthers(c.ctx(), c.who, c.session)
	if err != nil {
		return err
	}
	c.say(toast{Text: c.lang.N("One other session was ended.", "{n} other sessions were ended.", n)})
	return c.redirect("/settings/security")
}
