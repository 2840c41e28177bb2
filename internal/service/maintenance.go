package service

import (
	"context"
	"slices"
	"time"

	"dispatchapy"
)

// StartMaintenance plans work at a resource, once, beside what is planned
// already. From is now if it is zero. What is over is dropped on the way.
func (s *Service) StartMaintenance(ctx context.Context, p dispatchapy.Principal, id int64, m dispatchapy.Maintenance) (Resource, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Resource{}, err
	}
	return s.editMaintenance(ctx, p, id, func(r *dispatchapy.Resource, now time.Time) error {
		if m.From.IsZero() {
			m.From = now
		}
		r.Maintenance = append(slices.DeleteFunc(r.Maintenance, func(w dispatchapy.Maintenance) bool { return w.Weekly == nil && !w.Until.After(now) }), m)
		return nil
	})
}

// EndMaintenance ends at once what goes on. The time up to now stays planned
// work. What is planned for every week goes on: CodeConflict says so, and that
// nothing goes on.
func (s *Service) EndMaintenance(ctx context.Context, p dispatchapy.Principal, id int64) (Resource, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Resource{}, err
	}
	return s.editMaintenance(ctx, p, id, func(r *dispatchapy.Resource, now time.Time) error {
		ended := false
		left := make([]dispatchapy.Maintenance, 0, len(r.Maintenance))
		for _, m := range r.Maintenance {
			_, in, _ := dispatchapy.MaintenanceAt([]dispatchapy.Maintenance{m}, now)
			switch {
			case in && m.Weekly != nil:
				return dispatchapy.Errorf(dispatchapy.CodeConflict, "what goes on is planned for every week: change it in the configuration of the resource")
			case in:
				ended, m.Until = true, now
			}
			if m.Weekly != nil || m.Until.After(m.From) {
				left = append(left, m)
			}
		}
		if !ended {
			return dispatchapy.Errorf(dispatchapy.CodeConflict, "the resource is not in maintenance")
		}
		r.Maintenance = left
		return nil
	})
}

// editMaintenance changes the windows of a resource, whatever else changed.
func (s *Service) editMaintenance(ctx context.Context, p dispatchapy.Principal, id int64, edit func(r *dispatchapy.Resource, now time.Time) error) (Resource, error) {
	stored, err := s.Resource(ctx, p, id)
	if err != nil {
		return Resource{}, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	return s.UpdateResource(ctx, p, id, &stored.Version, func(r *dispatchapy.Resource) error {
		r.Maintenance = slices.Clone(r.Maintenance)
		return edit(r, now)
	})
}
