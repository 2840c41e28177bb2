package service

import (
	"context"

	"dispatchapy"
)

// ListClients gives a page of clients, by name, without token or token hash. A
// client sees itself.
func (s *Service) ListClients(_ context.Context, p dispatchapy.Principal, r PageRequest) (Page[dispatchapy.Client], error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Page[dispatchapy.Client]{}, err
	}
	sight := s.sightOf(p)
	var visible []dispatchapy.Client
	for _, c := range sight.snapshot.Clients {
		if sight.all || c == sight.client {
			view := *c.Client
			view.Token, view.TokenHash = "", ""
			visible = append(visible, view)
		}
	}
	return byName(r, visible, func(c dispatchapy.Client) string { return c.Name })
}
