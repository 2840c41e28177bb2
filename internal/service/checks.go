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

// FindChecks is ListChecks with a filter. It reads through what is kept of the
// resource, which is little, until the page is full.
func (s *Service) FindChecks(ctx context.Context, p dispatchapy.Principal, resourceID int64, f CheckFilter, r PageRequest) (Page[dispatchapy.Check], error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return Page[dispatchapy.Check]{}, err
	}
	if _, err := s.sightOf(p).resource(resourceID); err != nil {
		return Page[dispatchapy.Check]{}, err
	}
	return byID(r, func(c dispatchapy.Check) int64 { return c.ID }, func(before int64, limit int) ([]dispatchapy.Check, error) {
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
}
