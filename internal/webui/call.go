package webui

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/people"
	"dispatchapy/internal/webui/i18n"
)

// maxForm is how many bytes a form may have: as much as a task, its payload
// escaped.
const maxForm = 8 << 20

// call is one request, with who asks and how they want to see it.
type call struct {
	ui      *UI
	w       http.ResponseWriter
	r       *http.Request
	who     dispatchapy.Principal
	session dispatchapy.Secret
	lang    *i18n.Language
	flash   *toast // to be shown on this page

	position string // of the changes, from before anything was looked at
}

func (ui *UI) newCall(w http.ResponseWriter, r *http.Request) *call {
	return &call{ui: ui, w: w, r: r, lang: languageOf(r)}
}

// languageOf gives the language that somebody chose, or that the browser asks
// for.
func languageOf(r *http.Request) *i18n.Language {
	if l := i18n.For(cookie(r, "lang")); l != nil {
		return l
	}
	return i18n.Accepted(r.Header.Get("Accept-Language"))
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// serve makes a handler of a route.
func (ui *UI) serve(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := ui.newCall(w, r)
		r.Body = http.MaxBytesReader(w, r.Body, cmp.Or(route.access.body, maxForm))
		if err := c.enter(route.access); err != nil {
			c.fail(err)
			return
		}
		c.flash = c.takeFlash()
		if c.who.Known() && r.Method == http.MethodGet && !c.htmx() {
			c.position = ui.service.ChangePosition()
		}
		if err := route.handle(c); err != nil {
			c.fail(err)
		}
	})
}

// enter finds out who asks, and lets in who may.
func (c *call) enter(a access) error {
	err := c.identify()
	if a.open && dispatchapy.ErrorCode(err) != dispatchapy.CodeUnavailable {
		return nil
	}
	switch {
	case err != nil:
		return err
	case !c.who.IsStaff() && !a.clients:
		return errNowhere // to a client the page does not exist
	case c.who.IsStaff() && !a.staff:
		return errNowhere
	case a.permission != "" && c.who.IsStaff():
		if err := c.who.Require(a.permission); err != nil {
			return err
		}
	}
	if c.r.Method == http.MethodPost && !a.reads {
		return c.checkCSRF()
	}
	return nil
}

// ctx is the context of the request.
func (c *call) ctx() context.Context { return c.r.Context() }

func (c *call) from() people.From {
	return people.From{Address: c.r.RemoteAddr, Agent: c.r.UserAgent()}
}

// t gives a text in the language of the page.
func (c *call) t(key string, args ...any) string { return c.lang.T(key, args...) }

// id reads an id from the path. What is none leads nowhere.
func (c *call) id() (int64, error) {
	id, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, errNowhere
	}
	return id, nil
}

// query gives a parameter of the address.
func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

// htmx reports whether a script asks, and not somebody who followed a link.
func (c *call) htmx() bool { return c.r.Header.Get("HX-Request") == "true" }

// show answers with a page.
func (c *call) show(name, title string, p page) error {
	return c.showStatus(http.StatusOK, name, title, p)
}

// showStatus answers with a page, or with the part of it that was asked for.
// It is rendered whole before anything is sent, so that a fault is no half page.
func (c *call) showStatus(status int, name, title string, p page) error {
	shell := p.shell()
	if err := c.fill(shell, title); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := c.ui.templates.execute(&out, c.lang, name, c.part(name), p); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Vary", "HX-Request, HX-Target")
	c.write(status, out.Bytes())
	return nil
}

// part names the template of the part that a script asks for; "" for the page.
func (c *call) part(name string) string {
	target := c.r.Header.Get("HX-Target")
	if !c.htmx() || target == "" || !c.ui.templates.has(c.lang, name, "part:"+target) {
		return ""
	}
	return "part:" + target
}

// redirect sends the browser to another page of ours.
func (c *call) redirect(to string) error {
	if c.htmx() {
		c.w.Header().Set("HX-Redirect", to)
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// back gives the page that a form was sent from, if it is one of ours, for what
// can be done in several places.
func (c *call) back(otherwise string) string {
	if to := c.r.PostFormValue("back"); to != "" {
		return localPath(to)
	}
	return otherwise
}

// secure reports whether the browser came by https.
func (c *call) secure() bool { return c.r.TLS != nil }

// origin is the address of the gateway as the browser sees it.
func (c *call) origin() string {
	if c.secure() {
		return "https://" + c.r.Host
	}
	return "http://" + c.r.Host
}

// localPath gives a path that leads nowhere but to this server; "/" if it is
// not sure to.
func localPath(path string) string {
	bad := func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }
	if len(path) > 2000 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, bad) {
		return "/"
	}
	return path
}
