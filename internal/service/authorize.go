package service

import (
	"context"
	"errors"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// require lets those through whose role has the permission. What a client may
// do with it is limited further on, to what is its own.
func require(p dispatchapy.Principal, permission dispatchapy.Permission) error {
	return p.Require(permission)
}

// sight is what a principal may see of one snapshot.
type sight struct {
	snapshot *routing.Snapshot
	all      bool
	client   *routing.Client // nil for staff, and for a client that is gone
}

func (s *Service) sightOf(p dispatchapy.Principal) sight {
	snapshot := s.table.Load()
	if p.IsStaff() {
		return sight{snapshot: snapshot, all: true}
	}
	return sight{snapshot: snapshot, client: snapshot.ClientByID(p.ClientID)}
}

func (v sight) endpoint(e *routing.Endpoint) bool { return v.all || e.Allows(v.client) }

// resources gives the resources within sight, in the snapshot's order.
func (v sight) resources() []*routing.Resource {
	if v.all {
		return v.snapshot.Resources
	}
	linked := map[int64]bool{}
	for _, e := range v.snapshot.Endpoints {
		if !v.endpoint(e) {
			continue
		}
		for _, route := range e.Routes {
			linked[route.Resource.ID] = true
		}
	}
	var out []*routing.Resource
	for _, r := range v.snapshot.Resources {
		if linked[r.ID] {
			out = append(out, r)
		}
	}
	return out
}

// resource finds a resource within sight.
func (v sight) resource(id int64) (*routing.Resource, error) {
	if v.all {
		if r := v.snapshot.ResourceByID(id); r != nil {
			return r, nil
		}
		return nil, notFound("resource", id)
	}
	for _, r := range v.resources() {
		if r.ID == id {
			return r, nil
		}
	}
	return nil, notFound("resource", id)
}

func notFound(kind string, id int64) error {
	return dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no %s %d", kind, id)
}

func invalid(field, message string) error {
	return &dispatchapy.Error{
		Code:    dispatchapy.CodeInvalid,
		Message: "the request is not valid",
		Fields:  []dispatchapy.FieldError{{Path: field, Message: message}},
	}
}

// storeError gives a failure of the database the code under which the caller
// can act on it. The cause is kept for the log.
func storeError(err error) error {
	var known *dispatchapy.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		return &dispatchapy.Error{Code: dispatchapy.CodeUnavailable, Message: "the database is not available: try again", Err: err}
	}
	return err
}
