package service

import (
	"context"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// MaxCount is up to which number the tasks of a phase are counted.
const MaxCount = 1000

// Count is a number of tasks.
type Count struct {
	N       int
	AtLeast bool // there may be more: counting stops after a bounded amount of work
}

// CountTasks counts the tasks that ListTasks would give, by phase. Phases that
// the filter excludes are not in the answer.
func (s *Service) CountTasks(ctx context.Context, p dispatchapy.Principal, f TaskFilter) (map[dispatchapy.Phase]Count, error) {
	if err := require(p, dispatchapy.ReadTasks); err != nil {
		return nil, err
	}
	filter, err := s.anyPhase(p, f)
	if err != nil {
		return nil, err
	}
	phases := f.Phases
	if len(phases) == 0 {
		phases = dispatchapy.Phases
	}
	if f.Text != "" {
		return s.countText(ctx, filter, phases)
	}
	now := s.outlook()
	filters := make([]store.TaskFilter, len(phases))
	for i := range phases {
		filters[i] = filter
		now.narrow(&filters[i], phases[i:i+1])
	}
	found, err := s.store.CountTasks(ctx, filters, MaxCount)
	if err != nil {
		return nil, storeError(err)
	}
	counts := make(map[dispatchapy.Phase]Count, len(phases))
	for i, phase := range phases {
		counts[phase] = Count{N: found[i].Tasks, AtLeast: found[i].AtLeast}
	}
	return counts, nil
}

// countText counts what is found by text. It is looked for once and not once
// for every phase.
func (s *Service) countText(ctx context.Context, filter store.TaskFilter, phases []dispatchapy.Phase) (map[dispatchapy.Phase]Count, error) {
	now := s.outlook()
	now.narrow(&filter, phases)
	page, err := s.store.ListTasks(ctx, store.TaskQuery{Filter: filter, Limit: MaxCount})
	if err != nil {
		return nil, storeError(err)
	}
	counts := make(map[dispatchapy.Phase]Count, len(phases))
	for _, phase := range phases {
		counts[phase] = Count{AtLeast: page.Next != 0}
	}
	for i := range page.Tasks {
		phase := now.phaseOf(&page.Tasks[i])
		if count, wanted := counts[phase]; wanted {
			count.N++
			counts[phase] = count
		}
	}
	return counts, nil
}
