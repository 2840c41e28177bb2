package httpapi

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"strings"
	"unicode/utf8"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// BadgePath is where the badges of the endpoints on the status page are: under
// it stand the endpoint's path and .svg.
const BadgePath = "/status/badge/"

// badgeFor is how long others may keep a badge.
const badgeFor = "max-age=30"

// badge draws the state of an endpoint, for pages of other people.
func (a *api) badge(w http.ResponseWriter, r *http.Request) {
	path, isPicture := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, BadgePath), ".svg")
	if !isPicture {
		a.fail(w, r, dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is nothing at this path"))
		return
	}
	token := r.URL.Query().Get("token")
	e, err := a.service.StatusOf(r.Context(), service.Visitor{Token: dispatchapy.Secret(token)}, path)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	picture := drawBadge(e.Name, e.State)
	tag := `"` + dispatchapy.HashToken(string(picture)).String()[:16] + `"`
	h := w.Header()
	h.Set("Cache-Control", "public, "+badgeFor)
	if token != "" {
		h.Set("Cache-Control", "private, "+badgeFor)
	}
	h.Set("ETag", tag)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "image/svg+xml")
	_, _ = w.Write(picture) // the peer may be gone; nothing depends on it
}

// badgeColors are dark enough for white text.
var badgeColors = map[service.StatusState]string{
	service.StatusOperational: "#1b7f3b", service.StatusMaintenance: "#3553b8", service.StatusDegraded: "#8f5a00", service.StatusDown: "#b3261e",
}

// drawBadge draws a badge. Which letters are how wide differs from machine to
// machine: the text is made to fit the room that is reckoned for it.
func drawBadge(name string, state service.StatusState) []byte {
	const most = 40 // characters
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most-1]) + "…"
	}
	const letter, margin = 7, 8
	left, right := letter*utf8.RuneCountInString(name), letter*len(state)
	split, width := left+2*margin, left+right+4*margin
	title := html.EscapeString(name + ": " + string(state))
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" role="img" aria-label="%s"><title>%s</title>`, width, title, title)
	fmt.Fprintf(&out, `<rect width="%d" height="20" rx="3" fill="#3b4048"/>`, width)
	fmt.Fprintf(&out, `<path d="M%d 0h%da3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-%dz" fill="%s"/>`, split, width-split-3, width-split-3, badgeColors[state])
	out.WriteString(`<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">`)
	fmt.Fprintf(&out, `<text x="%d" y="14" textLength="%d" lengthAdjust="spacingAndGlyphs">%s</text>`, margin, left, html.EscapeString(name))
	fmt.Fprintf(&out, `<text x="%d" y="14" textLength="%d" lengthAdjust="spacingAndGlyphs">%s</text></g></svg>`, split+margin, right, state)
	out.WriteByte('\n')
	return out.Bytes()
}
