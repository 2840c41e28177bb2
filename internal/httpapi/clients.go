package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/service"
)

// client is a client. Its token is shown once, when it is made.
type client struct {
	ID                 int64                 `json:"id"`
	Version            int64                 `json:"version"`
	Name               string                `json:"name"`
	Description        string                `json:"description"`
	Endpoints          []string              `json:"endpoints"`
	Dev                dispatchapy.ClientDev `json:"dev"`
	ShowProviderBodies bool                  `json:"show_provider_bodies" doc:"It may read what providers were sent and answered"`
	MayRotateToken     bool                  `json:"may_rotate_token" doc:"It may give itself a new token"`
	OldTokenUntil      *timestamp            `json:"old_token_until" nullable:"true" doc:"Until when a replaced token works, null if none does"`
	LastUse            *timestamp            `json:"last_use" nullable:"true" doc:"When its token was used last, for a message or here; null: never"`
	Token              dispatchapy.Secret    `json:"token,omitempty" doc:"A token that was just made. It is shown this once"`
}

func (a *api) registerClients() {
	register(a, operation(http.MethodGet, "/v1/clients", "list-clients", "clients", "List clients, by name"),
		func(ctx context.Context, p dispatchapy.Principal, in *NamePaging) (*answer[list[client]], error) {
			found, err := a.service.ListClients(ctx, p, in.request())
			return page(found, newClient), err
		})
	registerNoun(a, a.clientNoun(), a.inputs(reflect.TypeFor[dispatchapy.Client](), "A client as in the gateway file. Without a token a new one gets one", nil))
	a.registerRotation()
	a.registerClientRules()
}

// maxClientRules bounds what a client may say of itself, in bytes: its rules
// are tried on every one of its messages.
const maxClientRules = 64 << 10

// registerClientRules adds the one route by which a client changes something
// of the configuration.
func (a *api) registerClientRules() {
	type clientRules struct {
		Dev dispatchapy.ClientDev `json:"dev,omitempty"`
	}
	body := a.inputs(reflect.TypeFor[clientRules](), "dev as in the gateway file", nil)
	op := objectOperation(http.MethodPut, "/v1/clients/{id}/rules", "update-client-rules", "clients", "Replace a client's development settings", body)
	op.Description = "A client may do this to itself."
	op.MaxBodyBytes = maxClientRules
	registerChange(a, op, nil, func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (client, error) {
		changed, err := a.service.UpdateClientDev(ctx, p, id, b.expect, func(dev *dispatchapy.ClientDev) error {
			var c dispatchapy.Client
			if err := b.only("dev"); err != nil {
				return err
			}
			err := gatewayfile.Decode(b.Object, &c)
			*dev = c.Dev
			return err
		})
		return newClient(&changed), err
	})
}

func (a *api) registerRotation() {
	type input struct {
		ByID
		Body *struct {
			Overlap string `json:"overlap,omitempty" enum:"0,0s,1h,24h" doc:"For how long the present token goes on working. Absent: not at all"`
		}
	}
	op := operation(http.MethodPost, "/v1/clients/{id}/token", "rotate-token", "clients", "Give a client a new token")
	op.Description = "A client may do this to itself if it has may_rotate_token."
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *input) (*objectOutput[client], error) {
		var overlap time.Duration
		if in.Body != nil && in.Body.Overlap != "" {
			var err error
			if overlap, err = time.ParseDuration(in.Body.Overlap); err != nil {
				return nil, fieldFault("overlap", "must be 0s, 1h or 24h")
			}
		}
		made, err := a.service.RotateToken(ctx, p, in.ID, nil, overlap)
		object := newClientWithToken(&made)
		return &objectOutput[client]{ETag: etagOf(object), Body: object}, err
	})
}

func (a *api) clientNoun() *noun[client] {
	written := func(c service.Client, err error) (client, error) { return newClient(&c), err }
	made := func(c service.NewClient, err error) (client, error) { return newClientWithToken(&c), err }
	return &noun[client]{
		path: "/v1/clients", name: "client", tag: "clients",
		get: func(ctx context.Context, p dispatchapy.Principal, id int64) (client, error) {
			return written(a.service.Client(ctx, p, id))
		},
		create: func(ctx context.Context, p dispatchapy.Principal, b *objectBody) (client, error) {
			var c dispatchapy.Client
			if err := decodeClient(b, &c); err != nil {
				return client{}, err
			}
			return made(a.service.CreateClient(ctx, p, &c))
		},
		replace: func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (client, error) {
			return written(a.service.UpdateClient(ctx, p, id, b.expect, func(c *dispatchapy.Client) error {
				*c = dispatchapy.Client{}
				return decodeClient(b, c)
			}))
		},
		merge: func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (client, error) {
			return written(a.service.UpdateClient(ctx, p, id, b.expect, func(c *dispatchapy.Client) error {
				if err := gatewayfile.Merge(b.Object, c); err != nil {
					return err
				}
				return checkTokens(c)
			}))
		},
		duplicate: func(ctx context.Context, p dispatchapy.Principal, id int64) (client, error) {
			return made(a.service.DuplicateClient(ctx, p, id))
		},
		impact: a.service.ClientImpact,
		remove: a.service.DeleteClient,
		shown:  []string{"old_token_until", "last_use"},
	}
}

func decodeClient(b *objectBody, c *dispatchapy.Client) error {
	if err := gatewayfile.Decode(b.Object, c); err != nil {
		return err
	}
	return checkTokens(c)
}

// checkTokens refuses what only the gateway file may say of tokens.
func checkTokens(c *dispatchapy.Client) error {
	if c.Token != "" && c.TokenHash != "" {
		return fieldFault("token", "give either token or token_hash")
	}
	if len(c.OldTokens) > 0 {
		return fieldFault("old_tokens", "cannot be set here: POST /v1/clients/{id}/token replaces a token with an overlap")
	}
	return nil
}

func (c client) identity() (id, version int64) { return c.ID, c.Version }

func newClient(c *service.Client) client {
	return client{
		ID:                 c.ID,
		Version:            c.Version,
		Name:               c.Name,
		Description:        c.Description,
		Endpoints:          emptyIfNil(c.Endpoints),
		Dev:                c.Dev,
		ShowProviderBodies: c.ShowProviderBodies,
		MayRotateToken:     c.MayRotateToken,
		OldTokenUntil:      optionalTime(c.OldTokenUntil),
		LastUse:            optionalTime(c.LastUse),
	}
}

func newClientWithToken(c *service.NewClient) client {
	out := newClient(&c.Client)
	out.Token = c.Token
	return out
}
