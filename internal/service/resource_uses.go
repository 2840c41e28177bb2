package service

import (
	"context"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// ResourceState is where a resource is, whether it can be used right now on
// this node, and by how many endpoints it is.
type ResourceState struct {
	Method, URL string
	Reason      routing.Reason // why it cannot be used now; Usable if it can
	Wait        time.Duration  // in how long that may change by itself; 0: unknown
	Endpoints   int            // that name it
}

// ResourceUse is an endpoint that names a resource.
type ResourceUse struct {
	EndpointID int64
	Path       string
	Active     bool
	Place      int      // in the failover order, from 1
	Chain      []string // all resources in that order
	Readiness  string   // of the endpoint
	Clients    int      // that may post to it
}

// Alone reports whether messages to the endpoint have nowhere else to go.
func (u *ResourceUse) Alone() bool { return len(u.Chain) == 1 }

// ResourceStates gives the state of every resource, by id. It asks no database.
func (s *Service) ResourceStates(_ context.Context, p dispatchapy.Principal) (map[int64]ResourceState, error) {
	if err := requireStaff(p, dispatchapy.ReadConfig); err != nil {
		return nil, err
	}
	now := s.outlook()
	states := make(map[int64]ResourceState, len(now.snapshot.Resources))
	for _, r := range now.snapshot.Resources {
		state := now.resource(r)
		states[r.ID] = ResourceState{Method: r.Method, URL: shownURL(p, r.URL), Reason: state.Reason, Wait: state.Wait}
	}
	for _, e := range now.snapshot.Endpoints {
		for _, route := range e.Routes {
			state := states[route.Resource.ID]
			state.Endpoints++
			states[route.Resource.ID] = state
		}
	}
	return states, nil
}

// ResourceUses gives the endpoints that name a resource, by path.
func (s *Service) ResourceUses(_ context.Context, p dispatchapy.Principal, id int64) ([]ResourceUse, error) {
	if err := requireStaff(p, dispatchapy.ReadConfig); err != nil {
		return nil, err
	}
	sight := s.sightOf(p)
	if _, err := sight.resource(id); err != nil {
		return nil, err
	}
	readiness := sight.snapshot.Config.ReadinessIndex()
	clients := clientsByPath(sight)
	var uses []ResourceUse
	for _, e := range sight.snapshot.Endpoints {
		for i, route := range e.Routes {
			if route.Resource.ID == id {
				uses = append(uses, ResourceUse{
					EndpointID: e.ID, Path: e.Path, Active: e.IsActive(), Place: i + 1, Chain: e.Resources,
					Readiness: readiness.Of(e.Endpoint), Clients: len(clients[e.Path]),
				})
			}
		}
	}
	return uses, nil
}

// requireStaff is require for what concerns nobody but people who run the
// gateway.
func requireStaff(p dispatchapy.Principal, permission dispatchapy.Permission) error {
	if err := require(p, permission); err != nil {
		return err
	}
	if !p.IsStaff() {
		return dispatchapy.Errorf(dispatchapy.CodeForbidden, "only people who run the gateway may see this")
	}
	return nil
}

// FailedAttempt is an attempt that a resource did not accept, with its task.
type FailedAttempt struct {
	dispatchapy.Attempt // without what was exchanged
	TaskID              int64
	Ref                 string
	Endpoint, Client    string
}

// maxFailedAttempts is how many FailedAttempts gives.
const maxFailedAttempts = 20

// FailedAttempts gives the latest attempts that a resource did not accept,
// latest first: of tasks that were delivered elsewhere, too.
func (s *Service) FailedAttempts(ctx context.Context, p dispatchapy.Principal, resourceID int64) ([]FailedAttempt, error) {
	if err := requireStaff(p, dispatchapy.ReadTasks); err != nil {
		return nil, err
	}
	found, err := s.store.FailedAttempts(ctx, resourceID, maxFailedAttempts)
	if err != nil {
		return nil, storeError(err)
	}
	names := s.names.Load()
	out := make([]FailedAttempt, len(found))
	for i, a := range found {
		out[i] = FailedAttempt{
			Attempt: a.Attempt, TaskID: a.TaskID, Ref: a.Ref,
			Endpoint: names.name(store.KindEndpoint, a.EndpointID), Client: names.name(store.KindClient, a.ClientID),
		}
	}
	return out, nil
}
