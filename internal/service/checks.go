package service

import (
	"context"

	"dispatchapy"
)

// CheckFilter selects checks of a resource. Empty fields select everything.
type CheckFilter struct {
	Failed bool // those that failed
	Manual bool // those that somebody asked for
}

func (f CheckFilter) selects(c *dispatchapy.Check) bool {
	return (!f.Failed || !c.OK) && (!f.Manual || c.Manual)
}

// Check is a health check, with who was told of what it caused.
type Check struct {
	dispatchapy.Check
	Told []Told
}

// checkPage adds who was told to a page of checks.
func (s *Service) checkPage(ctx context.Context, p dispatchapy.Principal, found Page[dispatchapy.Check], err error) (Page[Check], error) {
	if err != nil {
		return Page[Check]{}, err
	}
	told, err := s.toldOf(ctx, p, ids(found.Items, func(c *dispatchapy.Check) int64 { return c.EventID }))
	page := Page[Check]{Items: make([]Check, len(found.Items)), Next: found.Next}
	for i, c := range found.Items {
		page.Items[i] = Check{c, told[c.EventID]}
	}
	return page, err
}

// FindChecks is ListChecks with a filter. It reads through what is kept of the
// resource, which is little, until the page is full.
func (s *Service) FindChecks(ctx context.Context, p dispatchapy.Principal, resourceID int64, f CheckFilter, r PageRequest) (Page[Check], error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Page[Check]{}, err
	}
	if _, err := s.sightOf(p).resource(resourceID); err != nil {
		return Page[Check]{}, err
	}
	found, err := byID(r, func(c dispatchapy.Check) int64 { return c.ID }, func(before int64, limit int) ([]dispatchapy.Check, error) {
		var found []dispatchapy.Check
		for {
			some, err := s.listChecks(ctx, p, resourceID, before, MaxLimit)
			if err != nil {
				return nil, err
			}
			for i := range some {
				if before = some[i].ID; f.selects(&some[i]) {
					found = append(found, some[i])
				}
			}
			if len(found) >= limit || len(some) < MaxLimit {
				return found[:min(limit, len(found))], nil
			}
		}
	})
	return s.checkPage(ctx, p, found, err)
}
