// Package service holds the use cases of the gateway, one method per verb.
// Web pages, REST API and command line are doors to it: authorisation and
// validation happen here and nowhere else.
//
// Every method that acts for somebody takes the Principal and authorises it in
// its first statement. An administrator may do everything. A client sees its
// own tasks, its endpoints and their resources; anything else is reported to
// it as not found.
package service

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// ConfigStore is where the configuration lives.
type ConfigStore interface {
	LoadConfig(ctx context.Context) (version int64, objects []store.ConfigObject, err error)
	ConfigVersion(ctx context.Context) (int64, error)
	ApplyConfig(ctx context.Context, update store.ConfigUpdate) (version int64, ids []int64, err error)
	ObjectNames(ctx context.Context) ([]store.ObjectName, error)
}

// TaskStore is where tasks live.
type TaskStore interface {
	ListTasks(ctx context.Context, q store.TaskQuery) (store.TaskPage, error)
	CountTasks(ctx context.Context, filters []store.TaskFilter, limit int) ([]store.TaskCount, error)
	Neighbours(ctx context.Context, f store.TaskFilter, id int64) (store.Neighbours, error)
	OldestTasks(ctx context.Context, f store.TaskFilter, limit int) ([]dispatchapy.Task, error)
	Task(ctx context.Context, id int64) (store.TaskDetail, error)
	TransitionTasks(ctx context.Context, ids []int64, t store.Transition) ([]store.TransitionResult, error)
	Backlog(ctx context.Context) ([]store.LaneBacklog, error)
}

// HistoryStore is where health, events and the audit log live.
type HistoryStore interface {
	LoadHealth(ctx context.Context) ([]dispatchapy.Health, error)
	ListChecks(ctx context.Context, resourceID, before int64, limit int) ([]dispatchapy.Check, error)
	ListEvents(ctx context.Context, q store.EventQuery) ([]dispatchapy.Event, error)
	ListAudit(ctx context.Context, q store.AuditQuery) ([]store.AuditEntry, error)
	RewriteAudit(ctx context.Context, after int64, limit int, rewrite func(text []byte) ([]byte, error)) (last int64, err error)
}

// Store is what the use cases need from the database.
type Store interface {
	ConfigStore
	TaskStore
	HistoryStore
	TrialStore
	StatsStore
	PreferenceStore
	UptimeStore
	OriginalStore
	IncidentStore
	NotificationStore
}

// Box encrypts what is stored of the configuration. aad names the row.
type Box interface {
	Seal(plaintext, aad []byte) []byte
	Open(sealed, aad []byte) ([]byte, error)
	// Current reports whether sealed was made with the key that seals now.
	Current(sealed []byte) bool
}

// Checker checks a resource's health at once, for the person named.
type Checker interface {
	CheckNow(ctx context.Context, resourceID int64, by string) (dispatchapy.Check, error)
}

// Options are what a Service is made of. All but OnConfig are required, Delivery
// Mail and Alerter only by the use cases that they are for.
type Options struct {
	Store   Store
	Table   *routing.Table
	Box     Box
	Checker Checker
	Log     *slog.Logger

	// Delivery is for trying out and sending messages.
	Delivery Delivery

	// Mail is needed by TestMail only, and Alerter by TestAlert
	// and PreviewAlert.
	Mail    Mailer
	Alerter Alerter

	// Uses, if set, is told when a client's token is used.
	Uses ClientUses

	// Publish is told what changes, and Subscribe gives what was published; all of
	// these may be nil. Publish must not block. With a client's id a reader hears
	// of that client's tasks only; with a position it goes on after that. Position
	// gives where a reader begins now.
	Publish   func(dispatchapy.Change)
	Subscribe func(clientID int64, position string) (ChangeReader, error)
	Position  func() string

	// Spool is needed for uploads only.
	Spool Spool

	// Machine, if set, says what the process knows of itself.
	Machine func() Machine

	// OnConfig is called with every new snapshot, after it was put into Table.
	// It must not block and must not call the Service.
	OnConfig func(*routing.Snapshot)
}

// Service is the use cases. Its methods are safe for concurrent use.
type Service struct {
	store    Store
	table    *routing.Table
	box      Box
	checker  Checker
	delivery Delivery
	trials   atomic.Int32 // test requests under way
	mail     Mailer
	alerter  Alerter
	uses     ClientUses
	machine  func() Machine
	spool    Spool
	log      *slog.Logger
	onConfig func(*routing.Snapshot)
	announce func(dispatchapy.Change)
	follow   func(clientID int64, position string) (ChangeReader, error)
	position func() string
	names    atomic.Pointer[directory]
	status   statusCache

	mailTests  atomic.Int32 // under way
	alertTests atomic.Int32 // under way
	importing  atomic.Bool  // the original's history
	ownChanges ownChanges
	resending  sync.Map // ids of tasks that are being sent again

	mu      sync.Mutex // held while the snapshot is being replaced
	loaded  bool       // a snapshot came from the store
	refused int64      // version that could not be used, so that it is logged once
}

// New makes a Service. Before the first Refresh it knows no configuration but
// what is in Table.
func New(o Options) *Service {
	s := &Service{
		store:    o.Store,
		table:    o.Table,
		box:      o.Box,
		checker:  o.Checker,
		delivery: o.Delivery,
		mail:     o.Mail,
		alerter:  o.Alerter,
		uses:     o.Uses,
		machine:  o.Machine,
		spool:    o.Spool,
		log:      o.Log,
		onConfig: o.OnConfig,
		announce: o.Publish,
		follow:   o.Subscribe,
		position: o.Position,
	}
	if s.announce == nil {
		s.announce = func(dispatchapy.Change) {}
	}
	if s.onConfig == nil {
		s.onConfig = func(*routing.Snapshot) {}
	}
	s.names.Store(newDirectory(nil))
	return s
}

// Authenticate finds the client that owns the token.
func (s *Service) Authenticate(token dispatchapy.Secret) (dispatchapy.Principal, bool) {
	if token == "" {
		return dispatchapy.Principal{}, false
	}
	client := s.table.Load().ClientByToken(dispatchapy.HashToken(token.Reveal()), time.Now())
	if client == nil {
		return dispatchapy.Principal{}, false
	}
	if s.uses != nil {
		s.uses.NoteClient(client.ID)
	}
	return dispatchapy.Principal{Name: client.Name, Role: dispatchapy.RoleClient, ClientID: client.ID}, true
}
