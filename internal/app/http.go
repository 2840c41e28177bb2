package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dispatchapy"
	"dispatchapy/internal/httpapi"
	"dispatchapy/internal/intake"
	"dispatchapy/internal/signin"
	"dispatchapy/internal/webui"
)

// Limits of the server against slow and greedy peers.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 60 * time.Second
	writeTimeout      = 90 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10

	lastAnswers = 2 * time.Second // for requests under way when everything else has stopped
)

// unreadyFor is how long after a task was turned away no more are asked for.
const unreadyFor = 3 * time.Second

// serve starts the server on the listener and writes the control file.
func (a *App) serve() {
	a.server = &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	a.server.RegisterOnShutdown(a.web.Close) // it would wait for streams
	a.writeControl()
	go func() { a.serving <- a.server.Serve(a.listener) }()
	a.onStop("http server", func(ctx context.Context) {
		a.removeControl()
		// The grace period may be over, but it was for deliveries.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastAnswers)
		defer cancel()
		if err := a.server.Shutdown(ctx); err != nil {
			a.log.Warn("requests were broken off", "error", err)
			_ = a.server.Close()
		}
	})
}

func (a *App) handler() http.Handler {
	door := intake.New(intake.Options{
		Snapshots: a.table, Submitter: a.dispatcher, Observer: a.metrics, Seen: a.people.NoteClient, Ready: a.ready.Load, Log: a.log,
	})
	mux := http.NewServeMux()
	management := httpapi.New(httpapi.Options{
		Service: a.service, People: a.people, Tokens: a.adminTokens(), Log: a.log,
	})
	mux.Handle("/v1/", management)
	mux.Handle(httpapi.UserDocumentPath, management)
	mux.Handle(httpapi.BadgePath, management)
	a.serveSignIn(mux)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "alive", "")
	})
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("POST "+EchoPath, echo)
	mux.Handle("/", a.pages(door))
	networks, _ := a.options.Proxies() // Validate has seen to errors; after one nobody is trusted
	// Not through the mux, which would answer a path like /api//x with a
	// redirect instead of taking the message.
	return proxies(networks).resolve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, intake.Prefix) {
			door.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// pages makes the web interface. Clients that signed in post through the same
// door as those with a token.
func (a *App) pages(door http.Handler) http.Handler {
	post := func(w http.ResponseWriter, r *http.Request, clientID int64) {
		door.ServeHTTP(w, r.WithContext(intake.As(r.Context(), clientID)))
	}
	o := webui.Options{Post: post, Service: a.service, People: a.people, Log: a.log, Version: a.version, Echo: echoURL(a.listener.Addr())}
	if a.options.OIDC.Issuer != "" {
		o.OIDC = signin.Path
	}
	a.web = webui.New(o)
	return a.web
}

// serveSignIn adds sign in by OpenID Connect, if there is a provider.
//
// Failure policy: fail open. The provider is first asked when somebody signs
// in, and while it cannot be reached everything else works.
func (a *App) serveSignIn(mux *http.ServeMux) {
	o := &a.options.OIDC
	if o.Issuer == "" {
		return
	}
	door := signin.New(signin.Options{
		Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: dispatchapy.Secret(o.ClientSecret), RedirectURL: o.RedirectURL,
		RoleClaim: o.RoleClaim, Roles: map[dispatchapy.Role][]string{
			dispatchapy.RoleAdmin: o.Admin, dispatchapy.RoleOperator: o.Operator, dispatchapy.RoleViewer: o.Viewer,
		},
		People: a.people, Log: a.log,
	})
	a.onStop("sign in", func(context.Context) { door.Close() })
	mux.Handle("GET "+signin.Path, door)
	mux.Handle("GET "+signin.CallbackPath, door)
}

func (a *App) adminTokens() []dispatchapy.Secret {
	tokens := []dispatchapy.Secret{dispatchapy.Secret(a.control)}
	if a.options.AdminToken != "" {
		tokens = append(tokens, dispatchapy.Secret(a.options.AdminToken))
	}
	return tokens
}

// readyz says whether a task could be accepted now.
func (a *App) readyz(w http.ResponseWriter, _ *http.Request) {
	if !a.ready.Load() {
		answer(w, http.StatusServiceUnavailable, "unavailable", "starting or shutting down")
		return
	}
	if err := a.writable.check(a.store.CheckWritable); err != nil {
		answer(w, http.StatusServiceUnavailable, "unavailable", "the database cannot be written")
		return
	}
	// A nearly full disk takes the small write above, but no task.
	if a.metrics.turnedAway(unreadyFor) {
		answer(w, http.StatusServiceUnavailable, "unavailable", "tasks had to be turned away")
		return
	}
	answer(w, http.StatusOK, "ready", "")
}

func answer(w http.ResponseWriter, code int, status, detail string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	body := map[string]string{"status": status}
	if detail != "" {
		body["detail"] = detail
	}
	_ = json.NewEncoder(w).Encode(body) // the peer may be gone; nothing depends on it
}

// writableCache remembers for a moment whether the database can be written, so
// that strangers who ask often cost nothing. There is never more than one trial
// at a time: on a disk that hangs they would pile up.
type writableCache struct {
	mu    sync.Mutex
	at    time.Time
	err   error
	trial chan struct{} // closed when the trial under way has ended; nil: none is
}

const (
	writableFor   = time.Second     // how long an answer stands
	writeDeadline = 2 * time.Second // a write that takes longer counts as failed
)

var errWriteHangs = errors.New("a write takes too long")

func (c *writableCache) check(write func(context.Context) error) error {
	c.mu.Lock()
	if time.Since(c.at) < writableFor {
		defer c.mu.Unlock()
		return c.err
	}
	if c.trial == nil {
		c.trial = make(chan struct{})
		go c.try(write, c.trial)
	}
	trial := c.trial
	c.mu.Unlock()
	select {
	case <-trial:
	case <-time.After(writeDeadline):
		return errWriteHangs
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *writableCache) try(write func(context.Context) error, done chan struct{}) {
	err := write(context.Background())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err, c.at, c.trial = err, time.Now(), nil
	close(done)
}
