// Package httpapi is the management API: JSON over HTTP under /v1, described
// by an OpenAPI 3.1 document at /v1/openapi.json. It is a door to packages
// service and people and decides nothing itself: it translates requests and
// answers, and maps errors to problem documents in one table.
//
// There is one file per noun.
package httpapi

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"dispatchapy"
	"dispatchapy/internal/people"
	"dispatchapy/internal/service"
)

const (
	root        = "/v1/"
	openAPIPath = "/v1/openapi.json"
)

// Options are what the API is made of. All are required, Tokens may be empty.
type Options struct {
	Service *service.Service
	People  *people.People
	Tokens  []dispatchapy.Secret // each opens the API as an administrator
	Log     *slog.Logger
}

// api carries what the handlers need.
type api struct {
	service *service.Service
	people  *people.People
	log     *slog.Logger
	huma    huma.API
	mux     *http.ServeMux
}

// New makes the handler of everything under /v1/ and BadgePath, and of
// UserDocumentPath.
func New(o Options) http.Handler {
	a := &api{service: o.Service, people: o.People, log: o.Log, mux: http.NewServeMux()}
	a.huma = humago.New(a.mux, humaConfig())
	a.registerConfig()
	a.registerImport()
	a.registerTasks()
	a.registerTaskActions()
	a.registerResources()
	a.registerUptime()
	a.registerIncidents()
	a.registerNotifications()
	a.registerAlerts()
	a.registerStatus()
	a.registerEndpoints()
	a.registerPreview()
	a.registerTrial()
	a.registerResend()
	a.registerSend()
	a.registerStats()
	a.registerDocumentation()
	a.registerClients()
	a.registerSettings()
	a.registerEvents()
	a.registerUsers()
	a.registerTokens()
	a.registerSession()
	a.registerSessions()
	a.registerPreferences()
	a.registerTaskExport()
	a.mux.HandleFunc(root, a.nowhere)

	auth := &authenticator{service: o.Service, people: o.People, api: a, next: a.mux}
	for _, token := range o.Tokens {
		if token != "" {
			auth.admins = append(auth.admins, dispatchapy.HashToken(token.Reveal()))
		}
	}
	open := http.NewServeMux()
	open.Handle(root, auth)
	open.Handle("GET "+UserDocumentPath, auth)
	open.HandleFunc("GET "+BadgePath, a.badge)
	open.HandleFunc("GET "+openAPIPath, serveDocument(a.huma.OpenAPI()))
	return a.guard(a.sameOrigin(open))
}

// sameOrigin refuses changes that a page of another site has a browser ask for:
// a browser sends a password that it knows with them. Programs are not meant,
// they say nothing about an origin.
func (a *api) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.fail(w, r, dispatchapy.Errorf(dispatchapy.CodeForbidden, "requests from pages of other sites may change nothing"))
	}))
	return protection.Handler(next)
}

func humaConfig() huma.Config {
	cfg := huma.DefaultConfig("Dispatchapy management API", "1")
	cfg.Info.Description = "Configure and operate the gateway. An administrator's token sees everything, " +
		"a client's token its own tasks, its endpoints and their resources."
	// The document is served here; huma's page loads scripts from elsewhere,
	// and its schema links would put a $schema key into every answer.
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil
	cfg.RejectUnknownQueryParameters = true // a misspelt filter must not select everything
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer"},
		"basic":  {Type: "http", Scheme: "basic"},
		"token":  {Type: "apiKey", In: "header", Name: "X-API-Token"},
	}
	cfg.Security = []map[string][]string{{"bearer": {}}, {"token": {}}, {"basic": {}}}
	return cfg
}

// serveDocument answers with the OpenAPI document. It needs no token: it says
// nothing about this gateway.
func serveDocument(doc *huma.OpenAPI) http.HandlerFunc {
	text, err := json.Marshal(doc)
	if err != nil {
		panic("httpapi: the OpenAPI document cannot be encoded: " + err.Error())
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", typeOpenAPI)
		_, _ = w.Write(text)
	}
}

// register adds an operation whose handler gets the principal and may return
// any error.
func register[I, O any](a *api, op huma.Operation, handle func(context.Context, dispatchapy.Principal, *I) (*O, error)) {
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, principalOf(ctx), in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// operation describes an operation in the words of the OpenAPI document.
func operation(method, path, id, tag, summary string) huma.Operation {
	return huma.Operation{
		Method:      method,
		Path:        path,
		OperationID: id,
		Summary:     summary,
		Tags:        []string{tag},
	}
}

// nowhere answers what no operation takes.
func (a *api) nowhere(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := a.mux.Handler(probe); pattern != root {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		a.fail(w, r, dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is nothing at this path"))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeProblem(w, &problem{
		Title:  http.StatusText(http.StatusMethodNotAllowed),
		Status: http.StatusMethodNotAllowed,
		Detail: "this path takes " + strings.Join(allowed, ", "),
		Code:   dispatchapy.CodeInvalid,
	})
}

// guard sets the headers of every answer and turns a panic into a 500.
func (a *api) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() {
			switch caught := recover(); caught {
			case nil:
			case http.ErrAbortHandler:
				panic(caught)
			default:
				a.fail(w, r, panicError{caught})
			}
		}()
		next.ServeHTTP(w, r)
	})
}
