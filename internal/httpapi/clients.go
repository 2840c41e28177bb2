package httpapi

import (
	"context"
	"net/http"

	"dispatchapy"
)

// client is a client. Its token is shown once, when it is made.
type client struct {
	ID          int64                 `json:"id"`
	Name        string                `json:"name"`
	Description string                `json:"description"`
	Endpoints   []string              `json:"endpoints"`
	Dev         dispatchapy.ClientDev `json:"dev"`
}

func (a *api) registerClients() {
	register(a, operation(http.MethodGet, "/v1/clients", "list-clients", "clients", "List clients, by name"),
		func(ctx context.Context, p dispatchapy.Principal, in *Paging) (*answer[list[client]], error) {
			found, err := a.service.ListClients(ctx, p, in.request())
			return page(found, newClient), err
		})
}

func newClient(c *dispatchapy.Client) client {
	return client{
		ID:          c.ID,
		Name:        c.Name,
		Description: c.Description,
		Endpoints:   emptyIfNil(c.Endpoints),
		Dev:         c.Dev,
	}
}
