package service

import (
	"context"
	"fmt"
	"slices"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
)

// Impact is what deleting an object would do to others.
type Impact struct {
	// Version is what a confirmed deletion has to name: it changes whenever the
	// object or something that uses it does.
	Version int64

	Endpoints []string // of a resource: those that use it; of a client: those it may post to
	Clients   []string // of an endpoint: those that may post to it

	// Stranded are the endpoints left without any resource, and WaitingTasks
	// counts the pending and running tasks that lose their last route. They
	// keep waiting until there is one again.
	Stranded     []string
	WaitingTasks int

	stranded []int64 // ids of endpoints that lose their last route
}

// InUse reports whether the deletion has to be confirmed.
func (i *Impact) InUse() bool { return len(i.Endpoints)+len(i.Clients)+i.WaitingTasks > 0 }

// impactOf adds what the database knows.
func (s *Service) impactOf(ctx context.Context, impact Impact) (Impact, error) {
	if len(impact.stranded) == 0 {
		return impact, nil
	}
	backlog, err := s.store.Backlog(ctx)
	if err != nil {
		return Impact{}, storeError(err)
	}
	for _, lane := range backlog {
		if slices.Contains(impact.stranded, lane.EndpointID) {
			impact.WaitingTasks += lane.Tasks
		}
	}
	return impact, nil
}

// confirmed lets a deletion through that nobody notices, or that was asked for
// in knowledge of its impact.
func confirmed[T gatewayfile.Objects](k *kindOf[T], stored *T, impact Impact, expect *int64, confirm bool) error {
	what := fmt.Sprintf("%s %q", k.kind, k.name(stored))
	switch {
	case expect == nil:
		return preconditionRequired(impact.Version)
	case *expect != impact.Version && *expect != *k.version(stored):
		conflict := staleVersion(what, impact.Version)
		conflict.Current, conflict.Impact = *k.masked(stored), &impact
		return conflict
	case !impact.InUse() || confirm && *expect == impact.Version:
		return nil
	}
	return &ConflictError{
		Err: dispatchapy.Errorf(dispatchapy.CodeConflict,
			"%s is in use: to delete it nevertheless, confirm its impact with version %d", what, impact.Version),
		Version: impact.Version,
		Current: *k.masked(stored),
		Impact:  &impact,
	}
}

// impactOfID is the use case for one kind of object.
func impactOfID[T gatewayfile.Objects](ctx context.Context, s *Service, p dispatchapy.Principal, k *kindOf[T], id int64) (Impact, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Impact{}, err
	}
	cfg := s.table.Load().Config
	i := k.index(cfg, id)
	if i < 0 {
		return Impact{}, notFound(string(k.kind), id)
	}
	return s.impactOf(ctx, k.impact(cfg, &(*k.list(cfg))[i]))
}
