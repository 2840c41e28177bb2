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

// OldestTasks gives the first tasks that a filter without text selects, oldest
// first: the head of a queue. limit is at most MaxLimit. It may be fewer without
// being all, where finding them would be too much work.
func (s *Service) OldestTasks(ctx context.Context, p dispatchapy.Principal, f TaskFilter, limit int) ([]Task, error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return nil, err
	}
	if f.Text != "" {
		return nil, invalid("q", "text cannot be looked for in a queue")
	}
	limit, err := PageRequest{Limit: limit}.limit()
	if err != nil {
		return nil, err
	}
	now := s.outlook()
	filter, err := s.storeFilter(p, f, now)
	if err != nil {
		return nil, err
	}
	found, err := s.store.OldestTasks(ctx, filter, limit)
	tasks, mayRead := make([]Task, len(found)), s.mayReadProviders(p)
	for i := range found {
		tasks[i] = s.named(found[i], now)
		if !mayRead {
			discreet(&tasks[i])
		}
	}
	return tasks, storeError(err)
}
