package webui

import (
	"net/http"

	"dispatchapy/internal/webui/i18n"
)

// choices are what people choose for their browser, kept in cookies: what a
// page looks like has to be known before it is sent.
var choices = map[string][]string{
	"theme":   {"system", "light", "dark"},
	"density": {"normal", "compact", "comfortable"},
	"keys":    {"on", "off"},
	"clock":   {"local", "utc"},
	"lang":    languageCodes(),
}

func languageCodes() []string {
	var codes []string
	for _, l := range i18n.Languages {
		codes = append(codes, l.Code)
	}
	return codes
}

const yearInSeconds = 365 * 24 * 3600

func (ui *UI) savePreferences(c *call) error {
	if err := c.parse(); err != nil {
		return err
	}
	for name, known := range choices {
		value := oneOf(c.r.PostFormValue(name), known...)
		if value == "" {
			continue
		}
		http.SetCookie(c.w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: yearInSeconds, SameSite: http.SameSiteLaxMode, Secure: c.secure()})
	}
	return c.redirect(c.back("/settings/look"))
}
