package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/store"
)

// ConflictError says that a change is not made because things are not as the
// caller assumes, and how they are. It wraps a *dispatchapy.Error with
// CodeConflict or CodePrecondition.
type ConflictError struct {
	Err     *dispatchapy.Error
	Version int64 // that a next try has to name

	// Current and Yours are the object as it is and as the caller would have
	// it, of the type that was to be changed (dispatchapy.Resource, Endpoint,
	// Client or Settings), without secrets. They may be nil.
	Current any
	Yours   any
	Impact  *Impact // what deleting would do, if that is what has to be confirmed
}

// Error implements error.
func (e *ConflictError) Error() string { return e.Err.Error() }

// Unwrap gives the *dispatchapy.Error.
func (e *ConflictError) Unwrap() error { return e.Err }

// kindOf is what the use cases need to know of a kind of object T.
type kindOf[T gatewayfile.Objects] struct {
	kind      store.Kind
	listName  string // in the gateway file
	nameKey   string // in the gateway file
	list      func(*dispatchapy.Config) *[]T
	id        func(*T) *int64
	version   func(*T) *int64
	name      func(*T) string
	normalize func(*T)

	// mask hides the secrets of a copy that is going to be shown or edited.
	mask func(*T)
	// restore brings back what an edited copy left as it was masked. It gives
	// the fields for which there is nothing to bring back.
	restore func(edited, stored *T) []dispatchapy.FieldError
	// renamed and removed rewrite what refers to the object by name. Objects
	// of a draft share their insides with the configuration in force: slices
	// and maps are replaced, never written to.
	renamed func(draft *dispatchapy.Config, from, to string)
	removed func(draft *dispatchapy.Config, name string)
	// impact says what uses the object.
	impact func(cfg *dispatchapy.Config, object *T) Impact
}

// changed is an object after a change, with the graph it is a part of.
type changed[T gatewayfile.Objects] struct {
	object T
	config *dispatchapy.Config
}

// draftOf makes a configuration whose lists can be changed.
func draftOf(current *dispatchapy.Config) *dispatchapy.Config {
	draft := *current
	draft.Resources = slices.Clone(current.Resources)
	draft.Endpoints = slices.Clone(current.Endpoints)
	draft.Clients = slices.Clone(current.Clients)
	return &draft
}

// index finds an object by id; -1 if there is none.
func (k *kindOf[T]) index(cfg *dispatchapy.Config, id int64) int {
	list := *k.list(cfg)
	return slices.IndexFunc(list, func(object T) bool { return *k.id(&object) == id })
}

// indexByName finds an object by name; -1 if there is none.
func (k *kindOf[T]) indexByName(cfg *dispatchapy.Config, name string) int {
	list := *k.list(cfg)
	return slices.IndexFunc(list, func(object T) bool { return k.name(&object) == name })
}

// masked gives a copy without secrets.
func (k *kindOf[T]) masked(object *T) *T {
	view := gatewayfile.Clone(object)
	k.mask(view)
	return view
}

// create adds an object. also may change more of the draft in the same change.
func create[T gatewayfile.Objects](ctx context.Context, s *Service, p dispatchapy.Principal, k *kindOf[T],
	object *T, also func(draft *dispatchapy.Config, object *T) error,
) (changed[T], error) {
	return changeObject(ctx, s, p, k, func(draft *dispatchapy.Config) (string, error) {
		added := gatewayfile.Clone(object)
		*k.id(added), *k.version(added) = 0, 0
		k.normalize(added)
		if fields := k.restore(added, new(T)); len(fields) > 0 {
			return "", invalidFields(fields)
		}
		if also != nil {
			if err := also(draft, added); err != nil {
				return "", err
			}
		}
		return k.put(draft, -1, added)
	})
}

// update changes an object that is at the expected version. edit gets a copy
// without secrets; what it leaves masked stays as it is stored.
func update[T gatewayfile.Objects](ctx context.Context, s *Service, p dispatchapy.Principal, k *kindOf[T],
	id int64, expect *int64, edit func(draft *dispatchapy.Config, object *T) error,
) (changed[T], error) {
	return changeObject(ctx, s, p, k, func(draft *dispatchapy.Config) (string, error) {
		i := k.index(draft, id)
		if i < 0 {
			return "", notFound(string(k.kind), id)
		}
		stored := &(*k.list(draft))[i]
		object := k.masked(stored)
		if err := k.expect(stored, expect, func() error { return edit(draftOf(draft), object) }, object); err != nil {
			return "", err
		}
		if err := edit(draft, object); err != nil {
			return "", err
		}
		*k.id(object), *k.version(object) = id, *k.version(stored)
		k.normalize(object)
		if fields := k.restore(object, stored); len(fields) > 0 {
			return "", invalidFields(fields)
		}
		if from, to := k.name(stored), k.name(object); from != to {
			k.renamed(draft, from, to)
		}
		return k.put(draft, i, object)
	})
}

// put places an object into the draft, at i or as a new one.
func (k *kindOf[T]) put(draft *dispatchapy.Config, i int, object *T) (name string, err error) {
	name = k.name(object)
	if other := k.indexByName(draft, name); name != "" && other >= 0 && other != i {
		return "", invalid(k.nameKey, fmt.Sprintf("there is another %s %q: names must be unique", k.kind, name))
	}
	list := k.list(draft)
	if i < 0 {
		*list = append(*list, *object)
	} else {
		(*list)[i] = *object
	}
	draft.Sort()
	return name, nil
}

// expect refuses a change that is not based on the present version. try makes
// the change on object, to show what the caller would have.
func (k *kindOf[T]) expect(stored *T, expect *int64, try func() error, object *T) error {
	version := *k.version(stored)
	if expect != nil && *expect == version {
		return nil
	}
	if expect == nil {
		return preconditionRequired(version)
	}
	conflict := staleVersion(fmt.Sprintf("%s %q", k.kind, k.name(stored)), version)
	conflict.Current = *k.masked(stored)
	if try != nil && try() == nil {
		k.normalize(object)
		k.mask(object)
		conflict.Yours = *object
	}
	return conflict
}

func invalidFields(fields []dispatchapy.FieldError) error {
	return &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "the request is not valid", Fields: fields}
}

func preconditionRequired(version int64) *ConflictError {
	return &ConflictError{
		Err: dispatchapy.Errorf(dispatchapy.CodePrecondition,
			"say which version this change is based on: send the header If-Match with the version; at present it is %d", version),
		Version: version,
	}
}

func staleVersion(what string, version int64) *ConflictError {
	return &ConflictError{
		Err:     dispatchapy.Errorf(dispatchapy.CodeConflict, "%s was changed in the meantime: it is at version %d now", what, version),
		Version: version,
	}
}

// changeObject runs a change of one object. edit gives the object's name in
// the draft.
func changeObject[T gatewayfile.Objects](ctx context.Context, s *Service, p dispatchapy.Principal, k *kindOf[T],
	edit func(draft *dispatchapy.Config) (string, error),
) (changed[T], error) {
	var draft *dispatchapy.Config
	var name string
	_, err := s.change(ctx, p, false, func(current *dispatchapy.Config) (*dispatchapy.Config, []Change, error) {
		draft = draftOf(current)
		var err error
		if name, err = edit(draft); err != nil {
			return nil, nil, err
		}
		changes, err := gatewayfile.Compare(current, draft)
		return draft, changes, err
	})
	if err != nil {
		return changed[T]{}, k.locate(err, draft, name)
	}
	return changed[T]{object: (*k.list(draft))[k.indexByName(draft, name)], config: draft}, nil
}

// locate gives faults of the object the path within it.
func (k *kindOf[T]) locate(err error, draft *dispatchapy.Config, name string) error {
	if draft == nil {
		return err
	}
	return locate(err, draft, fmt.Sprintf("%s[%d].", k.listName, k.indexByName(draft, name)))
}

// locate takes the prefix own from the paths of faults. Others keep the path
// within the whole configuration, and say whose they are.
func locate(err error, draft *dispatchapy.Config, own string) error {
	var e *dispatchapy.Error
	var conflict *ConflictError
	if errors.As(err, &conflict) || !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	located := *e
	located.Message = "the request is not valid"
	located.Fields = make([]dispatchapy.FieldError, len(e.Fields))
	for i, f := range e.Fields {
		if path, found := strings.CutPrefix(f.Path, own); found {
			f.Path = path
		} else if whose := objectAt(draft, f.Path); whose != "" {
			f.Message += " (" + whose + ")"
		}
		located.Fields[i] = f
	}
	return &located
}

// objectAt names the object to which a path within the configuration leads; ""
// if it leads to none.
func objectAt(cfg *dispatchapy.Config, path string) string {
	var i int
	if n, _ := fmt.Sscanf(path, "resources[%d]", &i); n == 1 && i < len(cfg.Resources) {
		return fmt.Sprintf("resource %q", cfg.Resources[i].Name)
	}
	if n, _ := fmt.Sscanf(path, "endpoints[%d]", &i); n == 1 && i < len(cfg.Endpoints) {
		return fmt.Sprintf("endpoint %q", cfg.Endpoints[i].Path)
	}
	if n, _ := fmt.Sscanf(path, "clients[%d]", &i); n == 1 && i < len(cfg.Clients) {
		return fmt.Sprintf("client %q", cfg.Clients[i].Name)
	}
	return ""
}

// duplicate adds a copy of an object. copyOf makes it what a copy is.
func duplicate[T gatewayfile.Objects](ctx context.Context, s *Service, p dispatchapy.Principal, k *kindOf[T],
	id int64, copyOf func(draft *dispatchapy.Config, object *T) error,
) (changed[T], error) {
	return changeObject(ctx, s, p, k, func(draft *dispatchapy.Config) (string, error) {
		i := k.index(draft, id)
		if i < 0 {
			return "", notFound(string(k.kind), id)
		}
		object := gatewayfile.Clone(&(*k.list(draft))[i])
		*k.id(object), *k.version(object) = 0, 0
		if err := copyOf(draft, object); err != nil {
			return "", err
		}
		return k.put(draft, -1, object)
	})
}

// freeName finds the first of name+suffix, name+suffix+separator+2, ... that no
// object has.
func (k *kindOf[T]) freeName(cfg *dispatchapy.Config, name, suffix, separator string) string {
	taken := make(map[string]bool, len(*k.list(cfg)))
	for _, object := range *k.list(cfg) {
		taken[k.name(&object)] = true
	}
	name += suffix
	if !taken[name] {
		return name
	}
	for n := 2; ; n++ {
		if numbered := fmt.Sprint(name, separator, n); !taken[numbered] {
			return numbered
		}
	}
}

// remove deletes an object. What uses it has to be confirmed, and is rewritten
// in the same change.
func remove[T gatewayfile.Objects](ctx context.Context, s *Service, p dispatchapy.Principal, k *kindOf[T], id int64, expect *int64, confirm bool) error {
	_, err := s.change(ctx, p, false, func(current *dispatchapy.Config) (*dispatchapy.Config, []Change, error) {
		i := k.index(current, id)
		if i < 0 {
			return nil, nil, notFound(string(k.kind), id)
		}
		stored := &(*k.list(current))[i]
		impact, err := s.impactOf(ctx, k.impact(current, stored))
		if err != nil {
			return nil, nil, err
		}
		if err := confirmed(k, stored, impact, expect, confirm); err != nil {
			return nil, nil, err
		}
		draft := draftOf(current)
		list := k.list(draft)
		*list = slices.Delete(*list, i, i+1)
		k.removed(draft, k.name(stored))
		changes, err := gatewayfile.Compare(current, draft)
		return draft, changes, err
	})
	return err
}
