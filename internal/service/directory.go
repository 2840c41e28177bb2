package service

import (
	"context"
	"maps"
	"strings"

	"dispatchapy/internal/store"
)

// directory knows the name of every configuration object there ever was, so
// that old tasks can be shown and found by name. It is immutable.
type directory struct {
	names map[store.ObjectRef]string
	byKey map[nameKey][]int64 // several ids where a name was used again after a deletion
	lower map[store.Kind][]loweredName
}

type nameKey struct {
	kind store.Kind
	name string
}

type loweredName struct {
	id   int64
	name string
}

func newDirectory(objects []store.ObjectName) *directory {
	d := &directory{
		names: make(map[store.ObjectRef]string, len(objects)),
		byKey: make(map[nameKey][]int64, len(objects)),
		lower: map[store.Kind][]loweredName{},
	}
	for _, o := range objects {
		key := nameKey{o.Kind, o.Name}
		d.names[o.ObjectRef] = o.Name
		d.byKey[key] = append(d.byKey[key], o.ID)
		d.lower[o.Kind] = append(d.lower[o.Kind], loweredName{o.ID, strings.ToLower(o.Name)})
	}
	return d
}

// name gives the present or last name of an object; "" for id 0 and for one
// that was created since the directory was made.
func (d *directory) name(kind store.Kind, id int64) string {
	return d.names[store.ObjectRef{Kind: kind, ID: id}]
}

// ids gives every object that has or had one of the names. It is nil (any)
// only where no names are given, and not where none is known (none).
func (d *directory) ids(kind store.Kind, names []string) []int64 {
	if len(names) == 0 {
		return nil
	}
	ids := []int64{}
	for _, name := range names {
		ids = append(ids, d.byKey[nameKey{kind, name}]...)
	}
	return ids
}

// containing gives every object whose name contains text, ignoring case.
func (d *directory) containing(kind store.Kind, text string) []int64 {
	var ids []int64
	text = strings.ToLower(text)
	for _, n := range d.lower[kind] {
		if strings.Contains(n.name, text) {
			ids = append(ids, n.id)
		}
	}
	return ids
}

// with gives a directory in which the objects have these names.
func (d *directory) with(objects []store.ObjectName) *directory {
	names := maps.Clone(d.names)
	for _, o := range objects {
		names[o.ObjectRef] = o.Name
	}
	list := make([]store.ObjectName, 0, len(names))
	for ref, name := range names {
		list = append(list, store.ObjectName{ObjectRef: ref, Name: name})
	}
	return newDirectory(list)
}

// loadNames renews the directory.
func (s *Service) loadNames(ctx context.Context) error {
	objects, err := s.store.ObjectNames(ctx)
	if err != nil {
		return err
	}
	s.names.Store(newDirectory(objects))
	return nil
}
