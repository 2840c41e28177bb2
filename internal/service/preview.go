package service

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/transform"
)

// PreviewInput is a message to be shaped but not sent. Resources, Mapping and
// Dev stand for unsaved changes of the endpoint; nil is what is saved.
type PreviewInput struct {
	Payload   []byte
	Client    string // the name of who sends it; "": some client without rules and switches of its own
	Resources []string
	Mapping   map[string]dispatchapy.Mapping
	Dev       *dispatchapy.EndpointDev
}

// Override is a development rule that was applied.
type Override = transform.Applied

// Preview is what would become of a message if it came now.
type Preview struct {
	Status    int        // what the intake answers; 200 if it accepts the message
	Detail    string     // why it refuses it
	Hold      string     // why it would be held; "" if it would not
	Overrides []Override // in the order in which they are applied
	Payload   []byte     // after them; nil if it cannot be read
	Chosen    string     // the first resource that could take it now; "": none
	Routes    []PreviewRoute
}

// PreviewRoute is one resource in failover order.
type PreviewRoute struct {
	Resource string
	Reason   routing.Reason           // why it cannot be used now; Usable if it can
	Wait     time.Duration            // in how long that may change by itself; 0: unknown
	Refusal  string                   // why the message does not fit this resource
	Fields   []dispatchapy.FieldError // target keys of the refusal
	Request  *Request                 // nil if there is a refusal, or no payload
}

// PreviewMessage shows what would become of a message to an endpoint: the
// intake's answer, the overrides, and the request to each resource, built by
// the code that builds the real ones. Nothing is stored or sent.
func (s *Service) PreviewMessage(ctx context.Context, p dispatchapy.Principal, endpointID int64, in PreviewInput) (Preview, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Preview{}, err
	}
	snapshot := s.table.Load()
	saved := snapshot.EndpointByID(endpointID)
	if saved == nil {
		return Preview{}, notFound("endpoint", endpointID)
	}
	endpoint, err := in.endpoint(snapshot, saved)
	if err != nil {
		return Preview{}, err
	}
	client, err := clientNamed(snapshot, in.Client)
	if err != nil {
		return Preview{}, err
	}
	return s.preview(ctx, endpoint, client, in.Payload)
}

// PreviewTask shows what would become of a task's message, or of another
// payload in its place, if it came now. It tells nothing that its caller may
// not read in the task and in the configuration, so that reading is enough; to a
// client that may not read of providers it does not say where the message goes.
func (s *Service) PreviewTask(ctx context.Context, p dispatchapy.Principal, id int64, payload []byte) (Preview, error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return Preview{}, err
	}
	found, err := s.taskOf(ctx, p, id)
	if err != nil {
		return Preview{}, err
	}
	snapshot := s.table.Load()
	endpoint := snapshot.EndpointByID(found.Task.EndpointID)
	if endpoint == nil {
		return Preview{}, dispatchapy.Errorf(dispatchapy.CodeConflict, "the endpoint of task %d was deleted", id)
	}
	if payload == nil {
		payload = found.Task.Source
	}
	preview, err := s.preview(ctx, endpoint, snapshot.ClientByID(found.Task.ClientID), payload)
	if !s.mayReadProviders(p) {
		preview.Routes, preview.Chosen = nil, ""
	}
	return preview, err
}

// preview sends a message through everything but the line.
func (s *Service) preview(ctx context.Context, endpoint *routing.Endpoint, client *routing.Client, source []byte) (Preview, error) {
	preview := Preview{Hold: endpoint.HoldReason(client)}
	_, preview.Status, preview.Detail = s.delivery.Judge(endpoint, client, source)
	payload, applied, err := endpoint.Message(client, source)
	readable := err == nil // if not, Detail says why
	if readable {
		preview.Overrides, preview.Payload = applied, payload.Raw()
	}
	for i := range endpoint.Routes {
		route := &endpoint.Routes[i]
		view := PreviewRoute{Resource: route.Resource.Name}
		_, view.Reason, view.Wait = s.delivery.Rooms.Room(route.Resource)
		if readable {
			if err := s.previewRoute(ctx, &view, route, payload); err != nil {
				return Preview{}, err
			}
		}
		if preview.Chosen == "" && preview.Status == http.StatusOK && view.Reason == routing.Usable && view.Request != nil {
			preview.Chosen = view.Resource
		}
		preview.Routes = append(preview.Routes, view)
	}
	return preview, nil
}

// endpoint gives the endpoint with the unsaved changes.
func (in *PreviewInput) endpoint(snapshot *routing.Snapshot, saved *routing.Endpoint) (*routing.Endpoint, error) {
	if in.Resources == nil && in.Mapping == nil && in.Dev == nil {
		return saved, nil
	}
	changed := *saved.Endpoint
	if in.Resources != nil {
		changed.Resources = in.Resources
		// Taking a resource out takes its mapping out.
		changed.Mapping = maps.Clone(changed.Mapping)
		maps.DeleteFunc(changed.Mapping, func(name string, _ dispatchapy.Mapping) bool {
			return !slices.Contains(in.Resources, name)
		})
	}
	if in.Mapping != nil {
		changed.Mapping = in.Mapping
	}
	if in.Dev != nil {
		// A copy: the rules may be those in force, which others read.
		tried := gatewayfile.Clone(&dispatchapy.Endpoint{Dev: *in.Dev})
		tried.Normalize()
		changed.Dev = tried.Dev
	}
	return snapshot.Try(&changed)
}

// clientNamed finds a client; nil for "".
func clientNamed(snapshot *routing.Snapshot, name string) (*routing.Client, error) {
	if name == "" {
		return nil, nil
	}
	for _, c := range snapshot.Clients {
		if c.Name == name {
			return c, nil
		}
	}
	return nil, invalid("client", "there is no client of this name")
}

// previewRoute adds what would be sent to the route's resource. The UUIDs and
// the idempotency key are those of no task.
func (s *Service) previewRoute(ctx context.Context, view *PreviewRoute, route *routing.Route, payload transform.Payload) error {
	var seed routing.Seed
	body, err := route.Body(payload, seed, time.Now())
	var misfit *dispatchapy.Error
	if errors.As(err, &misfit) {
		view.Refusal, view.Fields = misfit.Message, misfit.Fields
		return nil
	}
	if err != nil {
		return err
	}
	request, err := s.request(ctx, route.Resource, seed.IdempotencyKey(), body)
	if err != nil {
		return err
	}
	request.Volatile = route.Mapping.Volatile()
	request.VolatileHeaders = []string{idempotencyHeader}
	view.Request = request
	return nil
}
