package service

import (
	"context"
	"fmt"

	"dispatchapy/internal/routing"
	"dispatchapy/internal/store"
)

// Refresh brings the snapshot up to the stored configuration and reports
// whether it changed. It is called at start, on hints and by a poll.
//
// Failure policy: at the first call everything is an error, because a gateway
// must not start with a configuration other than its own. Later it fails safe:
// a stored version that cannot be used (it was sealed with another key, or
// does not compile) leaves the present snapshot in force and is logged once.
// An unreachable database is always reported.
func (s *Service) Refresh(ctx context.Context) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refresh(ctx)
}

// refresh is Refresh for callers that hold mu.
func (s *Service) refresh(ctx context.Context) (changed bool, err error) {
	version, err := s.store.ConfigVersion(ctx)
	if err != nil {
		return false, storeError(err)
	}
	if s.loaded && (version == s.table.Load().Config.Version || version == s.refused) {
		return false, nil
	}
	version, objects, err := s.store.LoadConfig(ctx)
	if err != nil {
		return false, storeError(err)
	}
	if err := s.loadNames(ctx); err != nil {
		return false, storeError(err)
	}
	snapshot, err := s.compileStored(version, objects)
	switch {
	case err == nil:
		s.publish(snapshot)
		return true, nil
	case s.loaded:
		s.refused = version
		s.log.Error("stored configuration cannot be used, keeping the present one",
			"version", version, "present", s.table.Load().Config.Version, "error", err)
		return false, nil
	}
	return false, fmt.Errorf("load the configuration: %w", err)
}

// publish makes a snapshot the one that everybody works with.
func (s *Service) publish(snapshot *routing.Snapshot) {
	s.loaded = true
	s.refused = 0
	s.table.Store(snapshot)
	s.onConfig(snapshot)
}

func (s *Service) compileStored(version int64, objects []store.ConfigObject) (*routing.Snapshot, error) {
	cfg, err := s.openConfig(version, objects)
	if err != nil {
		return nil, err
	}
	return routing.Compile(cfg)
}
