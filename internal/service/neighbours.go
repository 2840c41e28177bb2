package service

import (
	"context"

	"dispatchapy"
)

// Neighbours gives the tasks beside one in the list that a filter selects, for
// stepping through it: 0 where there is none, or none that is found with a
// bounded amount of work.
func (s *Service) Neighbours(ctx context.Context, p dispatchapy.Principal, f TaskFilter, id int64) (newer, older int64, err error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return 0, 0, err
	}
	filter, err := s.storeFilter(p, f, s.outlook())
	if err != nil {
		return 0, 0, err
	}
	found, err := s.store.Neighbours(ctx, filter, id)
	return found.Newer, found.Older, storeError(err)
}
