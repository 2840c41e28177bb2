// Package app puts the gateway together. It is the only package that sees
// every other one.
//
// # Goroutines
//
//	http server      one per connection; stopped after the dispatcher, so that
//	                 whoever comes while it drains is told to come again
//	health.Runner    probes; stopped before the dispatcher
//	dispatch         see package dispatch; gets the grace period
//	people.Run       one; writes down last uses; stopped with the loops
//	retention        one; stopped with the loops
//	alert.Run        one; looks for what lasts; stopped with the loops
//	notify           see package notify; stopped after the dispatcher, gets some seconds
//	follow           one; passes on the store's hints, polls the configuration's version
//	store            one writer; closed last
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dispatchapy"
	"dispatchapy/internal/alert"
	"dispatchapy/internal/config"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/dispatch"
	"dispatchapy/internal/health"
	"dispatchapy/internal/intake"
	"dispatchapy/internal/live"
	"dispatchapy/internal/mail"
	"dispatchapy/internal/notify"
	"dispatchapy/internal/people"
	"dispatchapy/internal/retention"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/sealer"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
	"dispatchapy/internal/webui"
)

// lanePoll is how often every lane is asked for due tasks without a hint. No
// other process writes to the database, so hints are complete and this is only
// a backstop.
const lanePoll = 30 * time.Second

// configPoll is how often the stored configuration's version is looked at.
const configPoll = 2 * time.Second

// System is the principal of what the process does by itself, such as applying
// the gateway file at start.
var System = dispatchapy.Principal{Name: "system", Role: dispatchapy.RoleAdmin}

// App is a gateway. Make one with New, and always end it with Stop.
type App struct {
	options config.Options
	log     *slog.Logger
	version string
	started time.Time

	store      *sqlite.Store
	table      *routing.Table
	available  *routing.Availability
	metrics    *metrics
	dispatcher *dispatch.Dispatcher
	live       *live.Hub
	health     *health.Runner
	alerts     *alert.Runner
	notify     *notify.Runner
	service    *service.Service
	people     *people.People

	server   *http.Server
	web      *webui.UI
	listener net.Listener
	control  string      // token of the control file
	ready    atomic.Bool // accepting; false while starting and draining
	serving  chan error  // the server's end
	writable writableCache

	loops    sync.WaitGroup
	cleanups []cleanup // run in reverse order
}

// observers are who is told of deliveries.
type observers struct {
	*metrics
	*alert.Watch
}

type cleanup struct {
	name string
	run  func(ctx context.Context)
}

// New opens the database, loads the configuration and applies the gateway file
// if there is one. Nothing is delivered and nobody is listened to before
// Start. On an error everything opened is closed again.
func New(ctx context.Context, options config.Options, version string, log *slog.Logger) (_ *App, err error) {
	a := &App{options: options, log: log, version: version, started: time.Now(), metrics: newMetrics(), serving: make(chan error, 1), control: newControlToken()}
	defer func() {
		if err != nil {
			a.unwind(ctx)
		}
	}()
	box, err := openBox(options)
	if err != nil {
		return nil, err
	}
	if a.store, err = sqlite.Open(ctx, sqlite.Options{Path: options.DatabasePath(), Log: log, Observe: a.metrics.committed}); err != nil {
		return nil, err
	}
	a.onStop("store", func(context.Context) { a.closeStore() })
	key, err := a.store.InstanceKey(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.wire(box, key); err != nil {
		return nil, err
	}
	if _, err := a.service.Refresh(ctx); err != nil {
		return nil, err
	}
	if err := a.people.Refresh(ctx); err != nil {
		return nil, err
	}
	// A client's token may be changed right before the end, or without a
	// gateway running, and ends the client's sessions.
	a.onStop("sessions", func(ctx context.Context) { a.refreshPeople(ctx) })
	if options.Config != "" {
		if err := a.applyFile(ctx, options.Config); err != nil {
			return nil, err
		}
	}
	if err := a.health.Load(ctx); err != nil {
		return nil, fmt.Errorf("load the health of resources: %w", err)
	}
	return a, nil
}

func openBox(options config.Options) (*sealer.Box, error) {
	if err := refuseNewKey(options); err != nil {
		return nil, err
	}
	keys, err := sealer.LoadKeys(options.DataDir, options.SecretKey, options.SecretKeyFile)
	if err != nil && (options.SecretKey != "" || options.SecretKeyFile != "") {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "secret key: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return sealer.New(keys...)
}

// refuseNewKey refuses to make a key for a database that was sealed with
// another one: only that one opens it, and a new file would hide its loss.
func refuseNewKey(options config.Options) error {
	if options.SecretKey != "" || options.SecretKeyFile != "" {
		return nil
	}
	key := filepath.Join(options.DataDir, sealer.KeyFile)
	if exists(key) || !exists(options.DatabasePath()) {
		return nil
	}
	return dispatchapy.Errorf(dispatchapy.CodeInvalid,
		"%s is missing, and only it opens the database beside it: restore it, or set DISPATCHAPY_SECRET_KEY", key)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// wire makes the parts and shows them to each other.
func (a *App) wire(box *sealer.Box, instanceKey [32]byte) error {
	empty, err := routing.Compile(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()})
	if err != nil {
		return err
	}
	a.table = routing.NewTable(empty)
	a.available = routing.NewAvailability()
	client := deliver.NewClient(deliver.Options{
		AllowPrivate: func() bool { return a.table.Load().Config.Settings.Outbound.AllowPrivate },
		UserAgent:    "Dispatchapy/" + a.version,
	})
	a.onStop("delivery client", func(context.Context) { client.Close() })
	a.live = live.New()
	a.onStop("live", func(context.Context) { a.live.Close() })
	watch := alert.NewWatch(a.table)
	a.alerts = alert.New(alert.Options{Store: a.store, Snapshots: a.table, Available: a.available, Watch: watch, Log: a.log})
	a.dispatcher = dispatch.New(dispatch.Options{
		Store: a.store, Table: a.table, Available: a.available, Sender: client, Observer: observers{a.metrics, watch},
		Log: a.log, InstanceKey: instanceKey, Changes: a.live, Poll: lanePoll,
	})
	a.health = health.New(health.Options{
		Store: a.store, Snapshots: a.table, Gate: watchedGate{a.available, a.live}, Client: client, Watch: watch, Log: a.log,
	})
	mailer := mail.New(mail.Options{Dial: client.Connect})
	a.notify = notify.New(notify.Options{
		Store: a.store, Snapshots: a.table, Mailer: mailer, Poster: client, Observer: toldObserver{a.metrics, a.live.Publish}, Log: a.log,
		InstanceKey: instanceKey, Host: hostName(),
	})
	a.people = people.New(people.Options{Store: a.store, Box: box, Snapshots: a.table, Log: a.log})
	a.service = service.New(service.Options{
		Store: a.store, Table: a.table, Box: box, Checker: a.health, Log: a.log,
		Mail:     mailer,
		Alerter:  a.notify,
		Uses:     a.people,
		Machine:  a.machine,
		Spool:    newSpool(a.options.DataDir, a.log),
		Delivery: service.Delivery{Judge: intake.Judge, Submitter: a.dispatcher, Sender: client, Rooms: a.available, InFlight: a.dispatcher.InFlight},
		Publish:  a.live.Publish, Subscribe: a.subscribe, Position: a.live.Position,
		OnConfig: func(*routing.Snapshot) {
			a.dispatcher.Wake()
			a.health.Wake()
			a.alerts.Wake()
			a.notify.Wake()
			a.configChanged()
		},
	})
	a.metrics.registry.MustRegister(&stateCollector{
		table: a.table, available: a.available, inFlight: a.dispatcher.InFlight, backlog: a.store.Backlog,
		notifications: a.store.NotificationBacklog, incidents: a.store.ListIncidents, log: a.log,
	})
	return nil
}

func (a *App) applyFile(ctx context.Context, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "--config: %w", err)
	}
	result, err := a.service.Apply(ctx, System, path, data, service.ApplyOptions{})
	if err != nil {
		return err
	}
	for _, w := range result.Warnings {
		a.log.Warn("gateway file: probably not meant", "path", w.Path, "warning", w.Message)
	}
	for _, c := range result.Changes {
		a.log.Info("gateway file applied", "change", c.String())
		if c.Token != "" {
			fmt.Fprintf(os.Stdout, "token of new client %s, shown only now: %s\n", c.Name, c.Token.Reveal())
		}
	}
	return nil
}

// Start begins to deliver and to listen. When it returns the gateway is ready.
func (a *App) Start() error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", a.options.Addr)
	if err != nil {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "--addr: %w", err)
	}
	a.listener = listener
	if err := a.ensureAdmin(); err != nil {
		_ = listener.Close()
		return err
	}
	a.serve() // from now on requests get an answer, 503 until everything runs
	ctx, cancel := context.WithCancel(context.Background())
	a.onStop("loops", func(context.Context) { cancel(); a.loops.Wait() })
	a.loops.Go(func() { a.follow(ctx) })
	a.loops.Go(func() { a.pollConfig(ctx) })
	a.loops.Go(func() { a.people.Run(ctx) })
	a.loops.Go(func() { a.alerts.Run(ctx) })
	runner := &retention.Runner{Store: a.store, Table: a.table, Log: a.log}
	a.loops.Go(func() { runner.Run(ctx) })
	a.notify.Start()
	a.onStop("notifications", a.stopNotify)
	a.dispatcher.Start()
	a.onStop("dispatcher", a.dispatcher.Stop)
	a.health.Start()
	a.onStop("health checks", func(context.Context) { a.health.Stop() })
	a.ready.Store(true)
	a.log.Info("ready", "addr", listener.Addr().String(), "version", a.version)
	return nil
}

// follow passes on what the store says has changed.
func (a *App) follow(ctx context.Context) {
	err := a.store.Watch(ctx, func(h store.Hint) {
		if len(h.Tasks) > 0 {
			a.dispatcher.Expect(h.Tasks)
		}
		if h.Config {
			a.refresh(ctx)
		}
		if h.Health {
			a.health.Wake()
			a.alerts.Wake()
		}
		if h.Events {
			a.live.Publish(dispatchapy.Change{Kind: dispatchapy.ChangeIncident})
			a.notify.Wake()
		}
	})
	if err != nil && ctx.Err() == nil {
		a.log.Error("hints from the database ended; polling goes on", "error", err)
	}
}

// lastMessages is how long messages to people may take that are under way when
// deliveries have ended.
const lastMessages = 5 * time.Second

// stopNotify ends what people are told. The grace period may be over, but it was
// for deliveries.
func (a *App) stopNotify(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMessages)
	defer cancel()
	a.notify.Stop(ctx)
}

// hostName names the gateway to people.
func hostName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "this machine"
	}
	return name
}

func (a *App) pollConfig(ctx context.Context) {
	tick := time.NewTicker(configPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			a.refresh(ctx)
		}
	}
}

// refresh takes over a stored configuration, and the people stored with it.
//
// Failure policy: what is there stays in force; the next poll tries again.
func (a *App) refresh(ctx context.Context) {
	if _, err := a.service.Refresh(ctx); err != nil && ctx.Err() == nil {
		a.log.Warn("configuration could not be refreshed", "error", err)
	}
	a.refreshPeople(ctx)
}

func (a *App) refreshPeople(ctx context.Context) {
	if err := a.people.Refresh(ctx); err != nil && ctx.Err() == nil {
		a.log.Warn("users and tokens could not be refreshed", "error", err)
	}
}

// ensureAdmin sees to it that somebody can sign in. A password that was made
// is shown to whoever started the gateway, and not logged.
func (a *App) ensureAdmin() error {
	generated, err := a.people.EnsureAdmin(context.Background(), dispatchapy.Secret(a.options.AdminPassword))
	if generated != "" {
		fmt.Fprintf(os.Stderr, "password of the new user %s, shown only now: %s\n", people.AdminName, generated.Reveal())
	}
	return err
}

// Service gives the use cases, for commands that work on a data directory
// without a running gateway.
func (a *App) Service() *service.Service { return a.service }

// Addr is the address listened on, with the port that was chosen for port 0.
func (a *App) Addr() string { return a.listener.Addr().String() }

// Wait returns when ctx ends (nil) or the server can no longer serve.
func (a *App) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.serving:
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	}
}

// Stop drains the gateway: it answers new messages with 503, lets running
// deliveries finish within the grace period, gives the rest back to the queue,
// stops to listen and closes the database. No accepted task is lost or loses an
// attempt by it.
func (a *App) Stop() {
	a.ready.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), a.options.Grace)
	defer cancel()
	a.log.Info("stopping", "grace", a.options.Grace.String())
	a.unwind(ctx)
	a.log.Info("stopped")
}

func (a *App) onStop(name string, run func(ctx context.Context)) {
	a.cleanups = append(a.cleanups, cleanup{name, run})
}

// unwind runs the clean-ups, last one first.
func (a *App) unwind(ctx context.Context) {
	for _, c := range slices.Backward(a.cleanups) {
		begun := time.Now()
		c.run(ctx)
		a.log.Debug("stopped", "part", c.name, "took", time.Since(begun).String())
	}
	a.cleanups = nil
}

func (a *App) closeStore() {
	if err := a.store.Close(); err != nil {
		a.log.Error("database could not be closed cleanly", "error", err)
	}
}
