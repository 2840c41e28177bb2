package service

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/routing"
)

// SetupInput is a whole way for messages: where they go, where they come in,
// how they are shaped in between, and who may send them.
type SetupInput struct {
	Resource   dispatchapy.Resource
	ResourceID int64 // of one that there is already, in place of Resource; 0: a new one
	Endpoint   dispatchapy.Endpoint
	Mapping    dispatchapy.Mapping // of the endpoint for the resource
	Client     dispatchapy.Client
}

// SetupResult is what SetUp has made. The token is nowhere else: it is shown
// once.
type SetupResult struct {
	ResourceID, EndpointID, ClientID int64
	Token                            dispatchapy.Secret
}

// SetUp makes a resource, the endpoint that leads to it and a client that may
// post there, in one change: all of it or nothing. Nothing that there is
// already is touched. Paths of faults begin with resource, endpoint or client.
func (s *Service) SetUp(ctx context.Context, p dispatchapy.Principal, in SetupInput) (SetupResult, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return SetupResult{}, err
	}
	var draft *dispatchapy.Config
	var made *SetupInput
	var token dispatchapy.Secret
	_, err := s.change(ctx, p, false, func(current *dispatchapy.Config) (*dispatchapy.Config, []Change, error) {
		var err error
		if made, err = in.prepared(current); err != nil {
			return nil, nil, err
		}
		if made.Client.TokenHash == "" {
			token = giveToken(&made.Client)
		}
		draft = draftOf(current)
		if in.ResourceID == 0 {
			draft.Resources = append(draft.Resources, made.Resource)
		}
		draft.Endpoints = append(draft.Endpoints, made.Endpoint)
		draft.Clients = append(draft.Clients, made.Client)
		draft.Sort()
		changes, err := gatewayfile.Compare(current, draft)
		return draft, changes, err
	})
	if err != nil {
		return SetupResult{}, locateSetup(err, draft, made)
	}
	return SetupResult{
		ResourceID: draft.Resource(made.Resource.Name).ID, EndpointID: draft.Endpoint(made.Endpoint.Path).ID, ClientID: draft.Client(made.Client.Name).ID,
		Token: token,
	}, nil
}

// prepared gives the objects as they are stored, linked by their names. It
// refuses names that are taken, but gives the objects then, too.
func (in *SetupInput) prepared(current *dispatchapy.Config) (*SetupInput, error) {
	out := &SetupInput{
		Resource: *gatewayfile.Clone(&in.Resource), Endpoint: *gatewayfile.Clone(&in.Endpoint), Client: *gatewayfile.Clone(&in.Client),
	}
	if in.ResourceID != 0 {
		at := resourceKind.index(current, in.ResourceID)
		if at < 0 {
			return nil, invalid("resource", "there is no such resource any more: choose another one")
		}
		// A copy: what is in force is shared by those who read it.
		out.Resource = *gatewayfile.Clone(&current.Resources[at])
	}
	r, e, c := &out.Resource, &out.Endpoint, &out.Client
	r.Normalize()
	e.Normalize()
	c.Endpoints = []string{e.Path}
	c.Normalize()
	c.Token = ""
	e.Resources = []string{r.Name}
	if len(in.Mapping) > 0 {
		e.Mapping = map[string]dispatchapy.Mapping{r.Name: in.Mapping}
	}
	if in.ResourceID != 0 {
		return out, taken(nil, current, e, c)
	}
	r.ID, r.Version = 0, 0
	return out, taken(r, current, e, c)
}

// taken names what there is already.
func taken(r *dispatchapy.Resource, current *dispatchapy.Config, e *dispatchapy.Endpoint, c *dispatchapy.Client) error {
	e.ID, e.Version, c.ID, c.Version = 0, 0, 0, 0
	var faults []dispatchapy.FieldError
	note := func(path, kind, name string, other bool) {
		if other && name != "" {
			faults = append(faults, dispatchapy.FieldError{Path: path, Message: fmt.Sprintf("there is another %s %q: names must be unique", kind, name)})
		}
	}
	if r != nil {
		note("resource.name", "resource", r.Name, current.Resource(r.Name) != nil)
	}
	note("endpoint.path", "endpoint", e.Path, current.Endpoint(e.Path) != nil)
	note("client.name", "client", c.Name, current.Client(c.Name) != nil)
	if len(faults) > 0 {
		return invalidFields(faults)
	}
	return nil
}

// locateSetup gives faults of the new objects the paths within the input.
func locateSetup(err error, draft *dispatchapy.Config, made *SetupInput) error {
	var e *dispatchapy.Error
	if draft == nil || !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	located := *e
	located.Message = "the request is not valid"
	located.Fields = make([]dispatchapy.FieldError, len(e.Fields))
	mapping := "endpoint.mapping." + made.Resource.Name + "."
	for i, f := range e.Fields {
		for own, prefix := range map[string]string{
			fmt.Sprintf("resources[%d].", resourceKind.indexByName(draft, made.Resource.Name)): "resource.",
			fmt.Sprintf("endpoints[%d].", endpointKind.indexByName(draft, made.Endpoint.Path)): "endpoint.",
			fmt.Sprintf("clients[%d].", clientKind.indexByName(draft, made.Client.Name)):       "client.",
		} {
			if path, found := strings.CutPrefix(f.Path, own); found {
				f.Path = prefix + path
			}
		}
		if path, found := strings.CutPrefix(f.Path, mapping); found {
			f.Path = "mapping." + path
		}
		located.Fields[i] = f
	}
	return &located
}

// PreviewSetup shows the request that a message would become, if the way for
// it were set up like that. Nothing is stored or sent, and names need not be
// free yet.
func (s *Service) PreviewSetup(ctx context.Context, p dispatchapy.Principal, in SetupInput, payload []byte) (PreviewRoute, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return PreviewRoute{}, err
	}
	current := s.table.Load().Config
	made, err := in.prepared(&dispatchapy.Config{Resources: current.Resources})
	if made == nil {
		return PreviewRoute{}, err
	}
	alone := &dispatchapy.Config{
		Settings: current.Settings, Resources: []dispatchapy.Resource{made.Resource}, Endpoints: []dispatchapy.Endpoint{made.Endpoint},
	}
	snapshot, err := routing.Compile(alone)
	if err != nil {
		return PreviewRoute{}, locateSetup(err, alone, made)
	}
	endpoint := snapshot.Endpoints[0]
	message, _, err := endpoint.Message(nil, payload)
	if err != nil {
		return PreviewRoute{}, err
	}
	view := PreviewRoute{Resource: made.Resource.Name}
	return view, s.previewRoute(ctx, &view, &endpoint.Routes[0], message)
}
