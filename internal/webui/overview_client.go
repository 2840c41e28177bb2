package webui

import (
	"dispatchapy"
	"dispatchapy/internal/service"
)

// clientOverviewPage is what a client sees first: its own numbers, how its
// endpoints fare, its latest tasks. Nothing of providers.
type clientOverviewPage struct {
	Shell
	Tiles  []tile
	Routes []service.EndpointRoute
	Tasks  []service.Task
	Held   service.Count
}

func (ui *UI) showClientOverview(c *call) (err error) {
	p := &clientOverviewPage{}
	if p.Routes, err = ui.service.EndpointRoutes(c.ctx(), c.who); err != nil {
		return err
	}
	total, err := ui.service.Stats(c.ctx(), c.who, service.StatsInput{})
	if err != nil {
		return err
	}
	counts, err := ui.service.CountTasks(c.ctx(), c.who, service.TaskFilter{})
	if err != nil {
		return err
	}
	failed, err := ui.service.CountTasks(c.ctx(), c.who, failedLately())
	if err != nil {
		return err
	}
	page, err := ui.service.ListTasks(c.ctx(), c.who, service.TaskFilter{}, service.PageRequest{Limit: latestTasks})
	if err != nil {
		return err
	}
	var sum service.StatsRow
	if len(total.Rows) > 0 {
		sum = total.Rows[0]
	}
	numbers := &overviewPage{}
	numbers.tiles(c, counts, failed[dispatchapy.PhaseFailed], sum)
	p.Tiles, p.Tasks, p.Held = numbers.Tiles, page.Items, counts[dispatchapy.PhaseHeld]
	return c.show("overview_client", c.t("Overview"), p)
}
