package original

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"dispatchapy"
)

func (r *reader) readClients(ctx context.Context) error {
	names, tokens := map[string]bool{}, map[string]string{}
	return r.file.each(ctx, "SELECT * FROM clients ORDER BY id", nil, func(row row) {
		id, was := row.id("id"), row.text("name")
		name := unique(names, cleanName(was, fmt.Sprintf("client %d", id)), " (%d)")
		if name != was {
			r.note("client %q: not a name, or that of another one: now %q", was, name)
		}
		r.world.clients[id] = object{was: was, name: name, since: row.time("created_at"), index: len(r.config.Clients)}
		r.config.Clients = append(r.config.Clients, dispatchapy.Client{
			Name:        name,
			Description: row.text("description"),
			TokenHash:   r.tokenHash(row, name, tokens),
			Dev: dispatchapy.ClientDev{
				Hold:         row.on("dev_hold_tasks"),
				RulesEnabled: row.on("dev_rules_enabled"),
			},
		})
		if old := row.id("endpoint_id"); old != 0 {
			r.note("client %q: an old kind of link, to endpoint %d, is left out: link it again if it is meant", name, old)
		}
	})
}

// tokenHash gives the hash of a client's token, so that it goes on to work. A
// client without a token of its own gets one that nobody knows.
func (r *reader) tokenHash(row row, name string, owners map[string]string) string {
	token := row.text("token")
	owner, taken := owners[token]
	switch {
	case token == "":
		r.note("client %q: has no token: give it a new one", name)
	case taken:
		r.note("client %q: has the same token as client %q, which keeps it: give it a new one", name, owner)
	default:
		owners[token] = name
		if err := dispatchapy.CheckToken(dispatchapy.Secret(token)); err != nil {
			r.note("client %q: its token is weak (%s); it still works: give it a new one soon", name, err)
		}
		return dispatchapy.HashToken(token).String()
	}
	return dispatchapy.HashToken(rand.Text()).String()
}

// clientOf gives the client that a row of another table belongs to.
func (r *reader) clientOf(row row, rows string) *dispatchapy.Client {
	id := row.id("client_id")
	o, ok := r.world.clients[id]
	if !ok {
		r.dead.add(fmt.Sprintf("%s of client %d, which does not exist, left out", rows, id), 0)
		return nil
	}
	return &r.config.Clients[o.index]
}

func (r *reader) readClientLinks(ctx context.Context) error {
	return r.file.each(ctx, "SELECT * FROM endpoint_client_links ORDER BY id", nil, func(row row) {
		e := r.endpointOf(row, "links to clients")
		if e == nil {
			return
		}
		if c := r.clientOf(row, "links to endpoints"); c != nil && !slices.Contains(c.Endpoints, e.Path) {
			c.Endpoints = append(c.Endpoints, e.Path)
		}
	})
}
