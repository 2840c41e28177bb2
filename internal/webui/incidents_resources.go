package webui

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"dispatchapy/internal/service"
)

// reliabilityPage says how often resources were down, and how soon they came
// back, those that were down most first.
type reliabilityPage struct {
	Shell
	Span  string
	Spans []linkChip
	Rows  []reliabilityRow
	Sum   service.Repairs // of all
	Page  int             // from 1
	Pages int
	Since string // the day on which the time begins
}

// reliabilityRow is a resource with its outages.
type reliabilityRow struct {
	service.ResourceHealth
	State state
	Share float64
	Known bool
}

func (ui *UI) showReliability(c *call) error {
	p := &reliabilityPage{Span: oneOf(c.query("span"), service.UptimeSpans...), Page: 1}
	if p.Span == "" {
		p.Span = repairSpan
	}
	all, err := ui.service.AllHealth(c.ctx(), c.who, p.Span)
	if err != nil {
		return err
	}
	states, err := ui.service.ResourceStates(c.ctx(), c.who)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b service.ResourceHealth) int {
		return cmp.Or(cmp.Compare(b.Repairs.Incidents, a.Repairs.Incidents), cmp.Compare(b.Uptime.Down, a.Uptime.Down))
	})
	p.Sum = outagesOf(all)
	p.Pages = max(1, (len(all)+rowsPerPage-1)/rowsPerPage)
	if n, err := strconv.Atoi(c.query("page")); err == nil {
		p.Page = min(max(1, n), p.Pages)
	}
	w := &words{c.lang}
	for _, r := range all[(p.Page-1)*rowsPerPage : min(p.Page*rowsPerPage, len(all))] {
		row := reliabilityRow{ResourceHealth: r, State: w.resource(r.Active, r.Health.State, string(states[r.ID].Reason))}
		row.Share, row.Known = r.Uptime.Share()
		p.Rows = append(p.Rows, row)
		p.Since = r.Uptime.Since.UTC().Format(time.DateOnly)
	}
	for _, span := range []struct{ name, label string }{
		{"24h", c.t("24 hours")}, {"7d", c.t("7 days")}, {"30d", c.t("30 days")}, {"90d", c.t("90 days")},
	} {
		p.Spans = append(p.Spans, linkChip{"/incidents/resources?span=" + span.name, span.label, p.Span == span.name})
	}
	return c.show("incidents_resources", c.t("Outages by resource"), p)
}

// outagesOf adds up the outages of all.
func outagesOf(all []service.ResourceHealth) (sum service.Repairs) {
	var took time.Duration
	for i := range all {
		r := &all[i].Repairs
		sum.Incidents, sum.Repaired = sum.Incidents+r.Incidents, sum.Repaired+r.Repaired
		took += r.MTTR * time.Duration(r.Repaired)
	}
	if sum.Repaired > 0 {
		sum.MTTR = took / time.Duration(sum.Repaired)
	}
	return sum
}

// At gives the address of a page of the list.
func (p *reliabilityPage) At(page int) string {
	return "/incidents/resources?span=" + p.Span + "&page=" + strconv.Itoa(page)
}
