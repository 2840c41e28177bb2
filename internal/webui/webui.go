// Package webui is the web interface: pages rendered on the server, for people
// who run the gateway and for its clients. It is a door to packages service and
// people: it translates forms and pages, and decides nothing itself.
//
// Every page has a file of its own (tasks.go, resource.go, ...) with a typed
// struct for what its template shows, and a template of the same name. A
// request goes through ServeHTTP: headers, who asks, the language, the route's
// handler; the handler asks the service and calls show or redirect. An error
// that it returns becomes a page by one table (errors.go).
//
// Pages work without a script. With scripts, htmx asks for a part of a page by
// the id of the element that it replaces: the same handler runs, and of its
// template the part "part:ID" is executed alone if there is one.
package webui

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"dispatchapy/internal/people"
	"dispatchapy/internal/service"
	"dispatchapy/internal/webui/assets"
)

// Options are what the interface is made of. All are required but OIDC and Echo.
type Options struct {
	Service *service.Service
	People  *people.People
	Log     *slog.Logger
	Version string // of the program

	// Post answers POST /api/{path} of a client that signed in.
	Post func(w http.ResponseWriter, r *http.Request, clientID int64)

	OIDC string // path where people sign in with a provider; "": there is none
	Echo string // URL at which the gateway answers itself; "": nowhere
}

// UI is the web interface. It is safe for concurrent use.
type UI struct {
	service   *service.Service
	people    *people.People
	log       *slog.Logger
	version   string
	oidc      string
	echo      string
	stash     *stash
	post      func(w http.ResponseWriter, r *http.Request, clientID int64)
	assets    *assets.Set
	templates *templates
	mux       *http.ServeMux
	handler   http.Handler
	life      context.Context // ends with Close
	end       context.CancelFunc
}

// New makes the interface. It panics if a template does not parse.
func New(o Options) *UI {
	ui := &UI{service: o.Service, people: o.People, log: o.Log, version: o.Version, oidc: o.OIDC, echo: o.Echo, post: o.Post, stash: &stash{drop: o.Service.DropUpload}, assets: assets.Load(), mux: http.NewServeMux()}
	ui.life, ui.end = context.WithCancel(context.Background())
	ui.templates = newTemplates(ui.assets)
	for _, route := range ui.routes() {
		ui.mux.Handle(route.pattern(), ui.serve(route))
	}
	ui.mux.Handle("GET "+assets.Prefix, ui.assets)
	ui.mux.Handle("/", ui.serve(route{access: anybody, handle: ui.nowhere}))
	ui.handler = ui.guard(ui.sameOrigin(ui.mux))
	return ui
}

// Close ends the streams of events, for which a server would wait that shuts
// down.
func (ui *UI) Close() { ui.end() }

// ServeHTTP implements http.Handler.
func (ui *UI) ServeHTTP(w http.ResponseWriter, r *http.Request) { ui.handler.ServeHTTP(w, r) }

// policy lets a page load what this server sends, and nothing else: no script
// or style within the HTML, no other host, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guard sets the headers of every answer and turns a panic into an error page.
func (ui *UI) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		defer func() {
			switch caught := recover(); caught {
			case nil:
			case http.ErrAbortHandler:
				panic(caught)
			default:
				ui.log.ErrorContext(r.Context(), "page failed", "error", fmt.Sprint("panic: ", caught), "stack", string(debug.Stack()))
				ui.newCall(w, r).brokenPage()
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses forms that a page of another site has a browser send.
func (ui *UI) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ui.newCall(w, r).fail(errForeignForm)
	}))
	return protection.Handler(next)
}
