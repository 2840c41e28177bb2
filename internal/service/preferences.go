package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// maxPreference is how large the value of a preference may be, in bytes.
const maxPreference = 16 << 10

// PreferenceStore keeps what people want to find again.
type PreferenceStore interface {
	ListPreferences(ctx context.Context, owner store.ObjectRef) ([]store.Preference, error)
	Preference(ctx context.Context, owner store.ObjectRef, name string) (store.Preference, error)
	PutPreference(ctx context.Context, owner store.ObjectRef, p store.Preference) (store.Preference, error)
	DeletePreference(ctx context.Context, owner store.ObjectRef, name string) error
}

// Preference is something that a person wants to find again, as JSON: a view of
// the list of tasks, a setting of the pages.
type Preference = store.Preference

// ownerOf says whose preferences p has: those of a user or a client. Programs
// have none.
func ownerOf(p dispatchapy.Principal) (store.ObjectRef, error) {
	switch {
	case p.UserID > 0:
		return store.ObjectRef{Kind: store.KindUser, ID: p.UserID}, nil
	case p.Role == dispatchapy.RoleClient:
		return store.ObjectRef{Kind: store.KindClient, ID: p.ClientID}, nil
	}
	return store.ObjectRef{}, dispatchapy.Errorf(dispatchapy.CodeForbidden, "only users and clients have preferences, API tokens have none")
}

// Preferences gives what p wanted to find again, by name.
func (s *Service) Preferences(ctx context.Context, p dispatchapy.Principal) ([]Preference, error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return nil, err
	}
	owner, err := ownerOf(p)
	if err != nil {
		return nil, err
	}
	list, err := s.store.ListPreferences(ctx, owner)
	return list, storeError(err)
}

// Preference gives one of them.
func (s *Service) Preference(ctx context.Context, p dispatchapy.Principal, name string) (Preference, error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return Preference{}, err
	}
	owner, err := ownerOf(p)
	if err != nil {
		return Preference{}, err
	}
	found, err := s.store.Preference(ctx, owner, name)
	return found, preferenceError(name, err)
}

// SetPreference keeps a value, which must be JSON, under a name.
func (s *Service) SetPreference(ctx context.Context, p dispatchapy.Principal, name string, value []byte) (Preference, error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return Preference{}, err
	}
	owner, err := ownerOf(p)
	if err != nil {
		return Preference{}, err
	}
	if err := checkPreference(name, value); err != nil {
		return Preference{}, err
	}
	stored, err := s.store.PutPreference(ctx, owner, Preference{Name: name, Value: value})
	if errors.Is(err, store.ErrFull) {
		return Preference{}, dispatchapy.Errorf(dispatchapy.CodeConflict, "you have %d preferences, as many as can be kept: delete one first", store.MaxPreferences)
	}
	return stored, storeError(err)
}

// DeletePreference forgets one.
func (s *Service) DeletePreference(ctx context.Context, p dispatchapy.Principal, name string) error {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return err
	}
	owner, err := ownerOf(p)
	if err != nil {
		return err
	}
	return preferenceError(name, s.store.DeletePreference(ctx, owner, name))
}

var preferenceName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func checkPreference(name string, value []byte) error {
	switch {
	case !preferenceName.MatchString(name):
		return invalid("name", "must have 1 to 64 of the characters a-z, 0-9, dot, dash and underscore, and begin with a letter or digit")
	case len(value) > maxPreference:
		return invalid("value", fmt.Sprintf("must have at most %d bytes", maxPreference))
	case !json.Valid(value):
		return invalid("value", "must be JSON")
	}
	return nil
}

func preferenceError(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return dispatchapy.Errorf(dispatchapy.CodeNotFound, "there is no preference %q", name)
	}
	return storeError(err)
}
