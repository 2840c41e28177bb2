package service

import (
	"context"
	"errors"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// maxConflicts is how often a change is made again on top of somebody else's.
const maxConflicts = 5

// Change is what applying did, or would do, to one object.
type Change = gatewayfile.Change

// ApplyOptions say how a gateway file is applied.
type ApplyOptions struct {
	Prune  bool // delete what is absent from the file
	DryRun bool // say what would change, and change nothing

	// Expect is the version that the configuration must be at, as when somebody
	// has looked at what would change; nil: any. The error is a *ConflictError.
	Expect *int64

	// Passphrase opens sealed secrets. Only Apply and Compare look at it.
	Passphrase dispatchapy.Secret
}

// ApplyResult is what applying did.
type ApplyResult struct {
	Version int64 // of the configuration now in force
	Changes []Change

	// Warnings are what the file has that is allowed but probably not meant.
	Warnings []dispatchapy.FieldError
}

// ApplyFile makes the configuration what the gateway file says: all of it or
// nothing. Without changes nothing is written. When it returns, this node
// already works with the new configuration.
func (s *Service) ApplyFile(ctx context.Context, p dispatchapy.Principal, f *gatewayfile.File, o ApplyOptions) (ApplyResult, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return ApplyResult{}, err
	}
	return s.applyFile(ctx, p, f, o, func(_, _ *dispatchapy.Config) {})
}

// applyFile is ApplyFile; planned is shown what the file leads from and to.
func (s *Service) applyFile(ctx context.Context, p dispatchapy.Principal, f *gatewayfile.File, o ApplyOptions,
	planned func(current, next *dispatchapy.Config),
) (ApplyResult, error) {
	var next *dispatchapy.Config
	result, err := s.change(ctx, p, o.DryRun, func(current *dispatchapy.Config) (_ *dispatchapy.Config, changes []Change, err error) {
		if o.Expect != nil && *o.Expect != current.Version {
			return nil, nil, staleVersion("the configuration", current.Version)
		}
		next, changes, err = gatewayfile.Plan(current, f, o.Prune)
		if err == nil {
			planned(current, next)
		}
		return next, changes, err
	})
	if err != nil {
		return result, f.Locate(err)
	}
	result.Warnings = f.Own(routing.Warnings(next))
	return result, nil
}

// Apply is ApplyFile for the text of a file. name stands in messages.
func (s *Service) Apply(ctx context.Context, p dispatchapy.Principal, name string, data []byte, o ApplyOptions) (ApplyResult, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return ApplyResult{}, err
	}
	f, err := o.read(name, data)
	if err != nil {
		return ApplyResult{}, err
	}
	return s.ApplyFile(ctx, p, f, o)
}

// edit makes the next configuration out of the present one, which it leaves as
// it is. It may be called several times.
type edit func(current *dispatchapy.Config) (next *dispatchapy.Config, changes []Change, err error)

// change is the one way in which the configuration changes: the whole next
// graph is validated and compiled before anything is stored, and the snapshot
// is swapped before the caller gets the answer.
func (s *Service) change(ctx context.Context, p dispatchapy.Principal, dryRun bool, edit edit) (ApplyResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range maxConflicts {
		if _, err := s.refresh(ctx); err != nil {
			return ApplyResult{}, err
		}
		current := s.table.Load().Config
		if s.refused != 0 {
			return ApplyResult{}, dispatchapy.Errorf(dispatchapy.CodeUnavailable,
				"this node cannot read version %d of the configuration and cannot change it: its log says why", s.refused)
		}
		next, changes, err := edit(current)
		if err != nil {
			return ApplyResult{}, err
		}
		if err := check(next); err != nil {
			return ApplyResult{}, err
		}
		if dryRun {
			return ApplyResult{Version: current.Version, Changes: withoutTokens(changes)}, nil
		}
		if len(changes) == 0 {
			return ApplyResult{Version: current.Version}, nil
		}
		err = s.commit(ctx, p, current, next, changes)
		if errors.Is(err, store.ErrVersionConflict) {
			continue
		}
		return ApplyResult{Version: next.Version, Changes: changes}, storeError(err)
	}
	return ApplyResult{}, dispatchapy.Errorf(dispatchapy.CodeConflict, "the configuration is being changed by others: try again")
}

// check finds every fault of a configuration that is about to be stored.
func check(next *dispatchapy.Config) error {
	if err := next.Validate(); err != nil {
		return err
	}
	_, err := routing.Compile(next)
	return err
}

// commit stores the changes that lead from current to next and makes next the
// snapshot in force, with the ids that the store gave to new objects.
func (s *Service) commit(ctx context.Context, p dispatchapy.Principal, current, next *dispatchapy.Config, changes []Change) error {
	forgetTokens(next)
	update, err := s.updateFor(p.Name, current, next, changes)
	if err != nil {
		return err
	}
	version, ids, err := s.store.ApplyConfig(ctx, update)
	if err != nil {
		return err
	}
	next.Version = version
	objects := objectsOf(next)
	names := make([]store.ObjectName, len(update.Put))
	for i, o := range update.Put {
		written := objects[nameKey{o.Kind, o.Name}]
		*written.id, *written.version = ids[i], version
		names[i] = store.ObjectName{ObjectRef: store.ObjectRef{Kind: o.Kind, ID: ids[i]}, Name: o.Name}
	}
	snapshot, err := routing.Compile(next)
	if err != nil {
		return err // it compiled before it was stored; only the ids are new
	}
	s.names.Store(s.names.Load().with(names))
	s.publish(snapshot)
	return nil
}

// forgetTokens drops the tokens in clear: only their hashes are ever stored.
func forgetTokens(cfg *dispatchapy.Config) {
	for i := range cfg.Clients {
		cfg.Clients[i].Token = ""
	}
}

// withoutTokens drops tokens that were generated for nothing.
func withoutTokens(changes []Change) []Change {
	out := make([]Change, len(changes))
	for i, c := range changes {
		c.Token = ""
		out[i] = c
	}
	return out
}
