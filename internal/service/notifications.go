package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// NotificationStore is where what people are told lives.
type NotificationStore interface {
	ListNotifications(ctx context.Context, q store.NotificationQuery) ([]dispatchapy.Notification, error)
	Notification(ctx context.Context, id int64) (store.NotificationDetail, error)
	RetryNotification(ctx context.Context, id int64) (dispatchapy.Notification, error)
	Told(ctx context.Context, eventIDs []int64) ([]store.Told, error)
}

// Notification is a notification with the name of its channel.
type Notification struct {
	dispatchapy.Notification
	Resource string // whose own notice it is; "" for a channel of the settings
	Told     []Event
}

// NotificationFilter selects notifications. Empty fields select everything; all
// given ones must hold.
type NotificationFilter struct {
	Statuses []string
	Channel  string // of the settings
	Resource string // its own notice
	Incident int64
}

// ListNotifications gives a page of notifications, newest first, without what
// they tell of.
func (s *Service) ListNotifications(ctx context.Context, p dispatchapy.Principal, f NotificationFilter, r PageRequest) (Page[Notification], error) {
	if err := require(p, dispatchapy.ReadEvents); err != nil {
		return Page[Notification]{}, err
	}
	q := store.NotificationQuery{Channel: f.Channel, IncidentID: f.Incident}
	for _, name := range f.Statuses {
		status := dispatchapy.NotificationStatus(name)
		if !slices.Contains(dispatchapy.NotificationStatuses, status) {
			return Page[Notification]{}, invalid("status", fmt.Sprintf("%q is not known: use pending, processing, sent, failed and dropped", name))
		}
		q.Statuses = append(q.Statuses, status)
	}
	var nothing int64
	some, err := s.about(f.Resource, "", time.Time{}, time.Time{}, &q.ResourceID, &nothing)
	if err != nil || !some {
		return Page[Notification]{}, err
	}
	found, err := byID(r, func(n dispatchapy.Notification) int64 { return n.ID },
		func(before int64, limit int) ([]dispatchapy.Notification, error) {
			q.Before, q.Limit = before, limit
			return s.store.ListNotifications(ctx, q)
		})
	page := Page[Notification]{Items: make([]Notification, len(found.Items)), Next: found.Next}
	for i := range found.Items {
		page.Items[i] = s.viewNotification(&found.Items[i])
	}
	return page, err
}

// Notification gives a notification with the events that it tells of, as far as
// they are listed.
func (s *Service) Notification(ctx context.Context, p dispatchapy.Principal, id int64) (Notification, error) {
	if err := require(p, dispatchapy.ReadEvents); err != nil {
		return Notification{}, err
	}
	found, err := s.store.Notification(ctx, id)
	if err != nil {
		return Notification{}, notificationError(id, err)
	}
	view := s.viewNotification(&found.Notification)
	for i := range found.Events {
		e := &found.Events[i]
		view.Told = append(view.Told, Event{Event: e.Event, Resource: e.Resource, Endpoint: e.Endpoint})
	}
	return view, nil
}

// RetryNotification sends a notification at once that waits, was given up or was
// dropped, with a fresh budget of attempts.
//
// Failure policy: fail closed. What cannot be written into the audit log is not
// done.
func (s *Service) RetryNotification(ctx context.Context, p dispatchapy.Principal, id int64) (Notification, error) {
	if err := require(p, dispatchapy.HandleIncidents); err != nil {
		return Notification{}, err
	}
	if _, err := s.store.Notification(ctx, id); err != nil {
		return Notification{}, notificationError(id, err)
	}
	err := s.store.AppendAudit(ctx, []store.AuditEntry{{
		At: time.Now(), By: p.Name, Action: "retry", Kind: store.KindNotification, Name: fmt.Sprint(id), Detail: "asked for another attempt",
	}})
	if err != nil {
		return Notification{}, storeError(err)
	}
	retried, err := s.store.RetryNotification(ctx, id)
	if err != nil {
		return Notification{}, notificationError(id, err)
	}
	return s.viewNotification(&retried), nil
}

func notificationError(id int64, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return notFound("notification", id)
	}
	return storeError(err)
}

func (s *Service) viewNotification(n *dispatchapy.Notification) Notification {
	return Notification{Notification: *n, Resource: s.names.Load().name(store.KindResource, n.Channel.ResourceID)}
}

// Told is what has become of telling people of an event.
type Told = store.Told

// toldOf gives who was told of events, by event. Only staff learns of it.
func (s *Service) toldOf(ctx context.Context, p dispatchapy.Principal, eventIDs []int64) (map[int64][]Told, error) {
	if len(eventIDs) == 0 || !p.May(dispatchapy.ReadEvents) {
		return nil, nil
	}
	all, err := s.store.Told(ctx, eventIDs)
	if err != nil {
		return nil, storeError(err)
	}
	out := make(map[int64][]Told, len(eventIDs))
	for _, t := range all {
		out[t.EventID] = append(out[t.EventID], t)
	}
	return out, nil
}

// ids gives those that are not 0.
func ids[T any](items []T, id func(*T) int64) []int64 {
	var out []int64
	for i := range items {
		if id := id(&items[i]); id != 0 {
			out = append(out, id)
		}
	}
	return out
}
