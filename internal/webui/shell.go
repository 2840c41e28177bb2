package webui

import (
	"dispatchapy"
	"dispatchapy/internal/webui/i18n"
)

// Shell is what stands around every page. A page's struct embeds it; show fills
// it in.
type Shell struct {
	Title   string
	Lang    *i18n.Language
	Theme   string // light, dark, or "" as the system
	Density string
	Rail    string // "narrow" or ""
	Keys    string // "off" where shortcuts are not wanted
	Clock   string // "utc" or ""
	CSRF    string
	Who     dispatchapy.Principal
	Known   bool // somebody signed in
	Nav     []navItem
	Toast   *toast
	Path    string // of this page, with its query
	Version string

	Position string // of the changes that the page shows already
}

// page is anything with a Shell.
type page interface{ shell() *Shell }

func (s *Shell) shell() *Shell { return s }

// May reports whether the person who looks may do something.
func (s *Shell) May(permission string) bool { return s.Who.May(dispatchapy.Permission(permission)) }

// Writes reports whether the person may change the configuration.
func (s *Shell) Writes() bool { return s.Who.May(dispatchapy.WriteConfig) }

// Acts reports whether the person may act on tasks.
func (s *Shell) Acts() bool { return s.Who.May(dispatchapy.ActOnTasks) }

// Staff reports whether the person runs the gateway.
func (s *Shell) Staff() bool { return s.Who.IsStaff() }

// navItem is a place in the rail and the bar.
type navItem struct {
	Path, Icon, Label string
	Group             string // heading before it; "" goes on
	Current           bool
	Of                dispatchapy.ChangeKind // what is counted beside it, at its path and /count; "": nothing
	Count             string                 // "": none
	Bar               bool                   // in the bar of small screens; others are behind "More"
}

// fill makes the shell of a page.
func (c *call) fill(s *Shell, title string) error {
	s.Title, s.Lang, s.Who, s.Known = title, c.lang, c.who, c.who.Known()
	s.Theme = oneOf(cookie(c.r, "theme"), "light", "dark")
	s.Density = oneOf(cookie(c.r, "density"), "compact", "comfortable")
	s.Rail = oneOf(cookie(c.r, "rail"), "narrow")
	s.Keys = oneOf(cookie(c.r, "keys"), "off")
	s.Clock = oneOf(cookie(c.r, "clock"), "utc")
	s.CSRF, s.Toast, s.Path, s.Version = c.csrf(), c.flash, c.r.URL.RequestURI(), c.ui.version
	s.Position = c.position
	if s.Known {
		s.Nav = c.nav()
		c.addCounts(s.Nav)
	}
	return nil
}

// oneOf gives a value if it is one of those known; "" otherwise.
func oneOf(value string, known ...string) string {
	for _, k := range known {
		if value == k {
			return value
		}
	}
	return ""
}

// scriptWords are the texts that scripts show.
func scriptWords(lang *i18n.Language) map[string]string {
	words := map[string]string{}
	for _, key := range scriptKeys {
		words[key] = lang.T(key)
	}
	return words
}

// scriptKeys are what scripts look up with word(). A test compares them.
var scriptKeys = []string{
	"Add a parameter", "Remove {name}", "{name}, position {n} of {all}",
	"for {time}", "Close", "Copied", "Every 10 s", "Live", "Paused", "Reconnecting", "Undo",
	"That did not work: {status}", "{n} selected", "The gateway cannot be reached. What you wrote is still here.",
}
