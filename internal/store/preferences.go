package store

import (
	"context"
	"errors"
	"time"
)

// MaxPreferences is how many a person may have.
const MaxPreferences = 64

// ErrFull says that a person has as many preferences as one may have.
var ErrFull = errors.New("no more preferences can be kept")

// Preference is something that a person, a user or a client, wants to find
// again: a view of a list, a setting of the pages. The store does not look into
// Value.
type Preference struct {
	Name      string
	Value     []byte
	UpdatedAt time.Time // set by the store
}

// Preferences keeps what people want to find again. What belongs to somebody
// goes when the object is deleted.
type Preferences interface {
	// ListPreferences gives the preferences of a person by name.
	ListPreferences(ctx context.Context, owner ObjectRef) ([]Preference, error)
	// Preference gives one of them, or ErrNotFound.
	Preference(ctx context.Context, owner ObjectRef, name string) (Preference, error)
	// PutPreference stores or replaces one by its name and gives it as it is
	// stored. ErrFull if it were more than MaxPreferences.
	PutPreference(ctx context.Context, owner ObjectRef, p Preference) (Preference, error)
	// DeletePreference deletes one, or gives ErrNotFound.
	DeletePreference(ctx context.Context, owner ObjectRef, name string) error
}
