package gatewayfile

import (
	"crypto/rand"
	"encoding/base64"
	"reflect"
	"slices"
	"strings"

	"dispatchapy"
)

// Kind is a kind of object in a Change.
type Kind string

// The kinds.
const (
	KindSettings Kind = "settings"
	KindResource Kind = "resource"
	KindEndpoint Kind = "endpoint"
	KindClient   Kind = "client"
)

// Action is what happens to an object.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Change is what applying a file does to one object. It shows no values: they
// can be secret.
type Change struct {
	Kind   Kind     `json:"kind"`
	Name   string   `json:"name"`          // "settings" for the settings
	Was    string   `json:"was,omitempty"` // the name before, if it was renamed
	Action Action   `json:"action"`
	Fields []string `json:"fields,omitempty"` // for Update: the top-level keys that differ

	// Token is the token made for a new client. It is nowhere else: show it once
	// after the change was stored, and not for a dry run.
	Token dispatchapy.Secret `json:"token,omitempty"`
}

// String gives a line to print: "~ resource sms-primary: url, headers". It
// leaves the token out.
func (c Change) String() string {
	sign := map[Action]string{Create: "+", Update: "~", Delete: "-"}[c.Action]
	line := sign + " " + string(c.Kind)
	if c.Kind != KindSettings {
		line += " " + c.Name
	}
	if c.Was != "" {
		line += " (was " + c.Was + ")"
	}
	if len(c.Fields) > 0 {
		line += ": " + strings.Join(c.Fields, ", ")
	}
	return line
}

// Plan lays the file over current, which stays untouched, and lists what that
// changes; no changes means that next equals current after Normalize.
//
// Objects are found by name. One in the file replaces the current one whole
// (absent fields get their default) but keeps its id, and a client without
// token or token_hash its token; a new client without one gets a token, told in
// its Change. A secret that is masked (dispatchapy.Redacted) stays what it is.
// Objects that are not in the file stay, unless prune. Settings are
// laid over the current ones field by field, also with prune; the status page
// loses endpoints that are pruned, unless the file says which it has. The result is
// normalised, not validated. It holds hashes instead of tokens.
func Plan(current *dispatchapy.Config, f *File, prune bool) (next *dispatchapy.Config, changes []Change, err error) {
	before := clone(current)
	before.Normalize()
	given := clone(&f.objects)
	given.Normalize()
	next = clone(before)

	if f.settings != nil {
		d := &decoder{file: f.name}
		d.decodeInto(f.settings, "settings", &next.Settings)
		if err := d.err(); err != nil {
			return nil, nil, err
		}
	}
	tokens := giveTokens(given, before)
	next.Resources = merge(before.Resources, given.Resources, prune, resourceKeys)
	next.Endpoints = merge(before.Endpoints, given.Endpoints, prune, endpointKeys)
	next.Clients = merge(before.Clients, given.Clients, prune, clientKeys)
	if f.settings.get("status_page").get("endpoints") == nil {
		dropUnshown(next)
	}
	keepMasked(next, before)
	next.Normalize()

	changes, err = Compare(before, next)
	if err != nil {
		return nil, nil, err
	}
	for i := range changes {
		if changes[i].Kind == KindClient {
			changes[i].Token = tokens[changes[i].Name]
		}
	}
	f.planned = next
	return next, changes, nil
}

// dropUnshown takes endpoints that are pruned off a status page that the file
// says nothing about.
func dropUnshown(next *dispatchapy.Config) {
	page := &next.Settings.StatusPage
	page.Endpoints = slices.DeleteFunc(page.Endpoints, func(shown dispatchapy.StatusEndpoint) bool {
		return !slices.ContainsFunc(next.Endpoints, func(e dispatchapy.Endpoint) bool { return e.Path == shown.Path })
	})
}

// objectKeys are the name and the identity of a kind of object.
type objectKeys[T any] struct {
	name    func(*T) string
	id      func(*T) *int64
	version func(*T) *int64
}

var (
	resourceKeys = objectKeys[dispatchapy.Resource]{
		func(r *dispatchapy.Resource) string { return r.Name },
		func(r *dispatchapy.Resource) *int64 { return &r.ID },
		func(r *dispatchapy.Resource) *int64 { return &r.Version },
	}
	endpointKeys = objectKeys[dispatchapy.Endpoint]{
		func(e *dispatchapy.Endpoint) string { return e.Path },
		func(e *dispatchapy.Endpoint) *int64 { return &e.ID },
		func(e *dispatchapy.Endpoint) *int64 { return &e.Version },
	}
	clientKeys = objectKeys[dispatchapy.Client]{
		func(c *dispatchapy.Client) string { return c.Name },
		func(c *dispatchapy.Client) *int64 { return &c.ID },
		func(c *dispatchapy.Client) *int64 { return &c.Version },
	}
)

func merge[T any](current, given []T, prune bool, keys objectKeys[T]) []T {
	known := make(map[string]*T, len(current))
	for i := range current {
		known[keys.name(&current[i])] = &current[i]
	}
	inFile := make(map[string]bool, len(given))
	next := make([]T, 0, len(given)+len(current))
	for i := range given {
		name := keys.name(&given[i])
		inFile[name] = true
		if was := known[name]; was != nil {
			*keys.id(&given[i]), *keys.version(&given[i]) = *keys.id(was), *keys.version(was)
		}
		next = append(next, given[i])
	}
	for i := range current {
		if !prune && !inFile[keys.name(&current[i])] {
			next = append(next, current[i])
		}
	}
	return next
}

// keepMasked puts the current secrets in the place of those that an export
// masked. What remains masked is refused by Validate.
func keepMasked(next, current *dispatchapy.Config) {
	next.Settings.KeepMasked(&current.Settings)
	known := make(map[string]*dispatchapy.Resource, len(current.Resources))
	for i := range current.Resources {
		known[current.Resources[i].Name] = &current.Resources[i]
	}
	for i := range next.Resources {
		if was := known[next.Resources[i].Name]; was != nil {
			next.Resources[i].KeepMasked(was)
		}
	}
}

// giveTokens sees to it that every client of the file has the hash of a token
// and nothing but the hash. It gives the tokens it made, by client.
func giveTokens(given, current *dispatchapy.Config) map[string]dispatchapy.Secret {
	known := make(map[string]*dispatchapy.Client, len(current.Clients))
	for i := range current.Clients {
		known[current.Clients[i].Name] = &current.Clients[i]
	}
	made := make(map[string]dispatchapy.Secret)
	for i := range given.Clients {
		c := &given.Clients[i]
		if was := known[c.Name]; was != nil {
			keepToken(c, was)
		}
		c.Token = "" // Normalize has hashed it
		if c.TokenHash == "" {
			token := NewToken()
			made[c.Name] = token
			c.TokenHash = dispatchapy.HashToken(token.Reveal()).String()
		}
	}
	return made
}

// keepToken leaves a client the token it has, unless the file gives another
// one. Those replaced lately go on working for their time, unless the file is
// an export, with a hash, which says everything about tokens.
func keepToken(c, was *dispatchapy.Client) {
	exported := c.TokenHash != "" && c.Token == ""
	if c.TokenHash == "" {
		c.TokenHash = was.TokenHash
	}
	if !exported && c.TokenHash == was.TokenHash && c.OldTokens == nil {
		c.OldTokens = was.OldTokens
	}
}

// NewToken makes a client token of 256 random bits.
func NewToken() dispatchapy.Secret {
	var random [32]byte
	// Failure policy: rand.Read never fails, it ends the process first.
	_, _ = rand.Read(random[:])
	return dispatchapy.Secret("dpy_" + base64.RawURLEncoding.EncodeToString(random[:]))
}

// Compare lists what leads from one normalised configuration to another. They
// are compared in the form in which they are written, so that what reads the
// same is the same. Objects are the same by id, and by name where they have
// none.
func Compare(before, after *dispatchapy.Config) ([]Change, error) {
	e := &encoder{}
	var changes []Change
	if fields := changedKeys(e.settings(&before.Settings), e.settings(&after.Settings)); len(fields) > 0 {
		changes = append(changes, Change{Kind: KindSettings, Name: string(KindSettings), Action: Update, Fields: fields})
	}
	changes = diffObjects(changes, KindResource, before.Resources, after.Resources, resourceKeys, e.resource)
	changes = diffObjects(changes, KindEndpoint, before.Endpoints, after.Endpoints, endpointKeys, e.endpoint)
	changes = diffObjects(changes, KindClient, before.Clients, after.Clients, clientKeys, e.client)
	return changes, e.err
}

func diffObjects[T any](changes []Change, kind Kind, before, after []T, keys objectKeys[T], encode func(*T) *node) []Change {
	byID, byName := make(map[int64]*T, len(before)), make(map[string]*T, len(before))
	for i := range before {
		byName[keys.name(&before[i])] = &before[i]
		byID[*keys.id(&before[i])] = &before[i]
	}
	start := len(changes)
	kept := make(map[*T]bool, len(before))
	for i := range after {
		n, id := keys.name(&after[i]), *keys.id(&after[i])
		was := byName[n]
		if id != 0 {
			was = byID[id]
		}
		if was == nil {
			changes = append(changes, Change{Kind: kind, Name: n, Action: Create})
			continue
		}
		kept[was] = true
		if reflect.DeepEqual(was, &after[i]) {
			continue // the usual case, and cheaper
		}
		if fields := changedKeys(encode(was), encode(&after[i])); len(fields) > 0 {
			change := Change{Kind: kind, Name: n, Action: Update, Fields: fields}
			if old := keys.name(was); old != n {
				change.Was = old
			}
			changes = append(changes, change)
		}
	}
	for i := range before {
		if !kept[&before[i]] {
			changes = append(changes, Change{Kind: kind, Name: keys.name(&before[i]), Action: Delete})
		}
	}
	slices.SortStableFunc(changes[start:], func(a, b Change) int { return strings.Compare(a.Name, b.Name) })
	return changes
}

// changedKeys lists the keys whose values differ, or that only one side has.
func changedKeys(before, after *node) []string {
	var changed []string
	note := func(name string) {
		if name == "token_hash" {
			name = "token"
		}
		changed = append(changed, name)
	}
	for i, k := range after.keys {
		if !after.items[i].equal(before.get(k.text)) {
			note(k.text)
		}
	}
	for _, k := range before.keys {
		if after.get(k.text) == nil {
			note(k.text)
		}
	}
	return changed
}
