package webui

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// resourcesPage lists the resources, failing ones first.
type resourcesPage struct {
	Shell
	Query   string
	Filter  string // "" for all
	Chips   []resourceChip
	Rows    []resourceRow
	Matched int
	Page    int // from 1
	Pages   int
	All     int // resources that there are
}

// resourceChip is a filter with how many it finds.
type resourceChip struct {
	Path, Label, Tone string
	Count             int
	Current           bool
}

// resourceRow is a resource with how it did lately.
type resourceRow struct {
	service.ResourceHealth
	Now    service.ResourceState
	State  state
	Bars   Bars
	Spark  string        // of the latest checks
	P95    time.Duration // of attempts, over a day
	Share  float64       // of the requests of a day, 0 to 1
	Asked  bool          // anything was sent to it in a day
	Uptime float64       // over a day
	Known  bool          // whether Uptime is
}

const rowsPerPage = 30

func (ui *UI) showResources(c *call) error {
	p := &resourcesPage{Query: strings.TrimSpace(c.query("q")), Filter: oneOf(c.query("state"), "trouble", "up", "unknown", "off"), Page: 1}
	rows, err := c.resourceRows()
	if err != nil {
		return err
	}
	p.All = len(rows)
	rows = slices.DeleteFunc(rows, func(r resourceRow) bool {
		return !strings.Contains(strings.ToLower(r.Name+"\n"+r.Now.URL), strings.ToLower(p.Query))
	})
	p.addChips(c, rows)
	if p.Filter != "" {
		rows = slices.DeleteFunc(rows, func(r resourceRow) bool { return r.group() != p.Filter })
	}
	p.Matched, p.Pages = len(rows), max(1, (len(rows)+rowsPerPage-1)/rowsPerPage)
	if n, err := strconv.Atoi(c.query("page")); err == nil {
		p.Page = min(max(1, n), p.Pages)
	}
	p.Rows = rows[(p.Page-1)*rowsPerPage : min(p.Page*rowsPerPage, len(rows))]
	return c.show("resources", c.t("Resources"), p)
}

// resourceRows reads what lists of resources show, failing ones first.
func (c *call) resourceRows() ([]resourceRow, error) {
	all, err := c.ui.service.AllHealth(c.ctx(), c.who, "24h")
	if err != nil {
		return nil, err
	}
	states, err := c.ui.service.ResourceStates(c.ctx(), c.who)
	if err != nil {
		return nil, err
	}
	stats, err := c.ui.service.Stats(c.ctx(), c.who, service.StatsInput{Group: "resource"})
	if err != nil {
		return nil, err
	}
	var total int64
	byName := make(map[string]service.StatsRow, len(stats.Rows))
	for _, row := range stats.Rows {
		total += row.Attempts
		byName[row.Name] = row
	}
	w := &words{c.lang}
	rows := make([]resourceRow, len(all))
	for i, r := range all {
		sent := byName[r.Name]
		row := resourceRow{ResourceHealth: r, Now: states[r.ID], P95: sent.Answer.P95, Asked: sent.Attempts > 0}
		row.State = w.resource(r.Active, r.Health.State, string(row.Now.Reason))
		row.Bars, row.Spark = checkBars(c.lang, r.Recent, checkPlaces), spark(durations(r.Recent))
		row.Uptime, row.Known = r.Uptime.Share()
		if total > 0 {
			row.Share = float64(sent.Attempts) / float64(total)
		}
		rows[i] = row
	}
	slices.SortStableFunc(rows, func(a, b resourceRow) int { return cmp.Compare(a.rank(), b.rank()) })
	return rows, nil
}

// resource is the state of a resource: what keeps messages from it now, or else
// what its checks say.
func (w *words) resource(active bool, health dispatchapy.HealthState, reason string) state {
	switch reason {
	case "in maintenance":
		return w.state("held", "In maintenance")
	case "failing":
		return w.state("warn", "Circuit open")
	case "paused":
		return w.state("warn", "Paused by the provider")
	case "full", "rate limited":
		return w.state("run", "At its limit")
	}
	return w.health(active, health)
}

// group is the filter under which a resource is found.
func (r *resourceRow) group() string {
	switch {
	case !r.Active || r.State.Tone == "held":
		return "off"
	case r.State.Tone == "fail" || r.State.Tone == "warn":
		return "trouble"
	case r.Health.State == dispatchapy.HealthUp:
		return "up"
	}
	return "unknown"
}

// rank puts what fails first.
func (r *resourceRow) rank() int {
	switch {
	case !r.Active:
		return 5
	case r.State.Tone == "held":
		return 4
	case r.Health.State == dispatchapy.HealthDown:
		return 0
	case r.State.Tone == "warn":
		return 1
	case r.Health.Failures > 0:
		return 2
	}
	return 3
}

// Host names where a resource is.
func (r resourceRow) Host() string { return hostOf(r.Now.URL) }

// hostOf gives host and port of a URL; the whole of what is none.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

func (p *resourcesPage) addChips(c *call, rows []resourceRow) {
	counts := map[string]int{"": len(rows)}
	for i := range rows {
		counts[rows[i].group()]++
	}
	for _, chip := range []resourceChip{
		{Path: "", Label: c.t("All")}, {Path: "trouble", Label: c.t("Failing"), Tone: "fail"}, {Path: "up", Label: c.t("Up"), Tone: "ok"},
		{Path: "unknown", Label: c.t("Unknown"), Tone: "unknown"}, {Path: "off", Label: c.t("Off or in maintenance"), Tone: "off"},
	} {
		chip.Count, chip.Current = counts[chip.Path], chip.Path == p.Filter
		chip.Path = p.address(chip.Path, 1)
		p.Chips = append(p.Chips, chip)
	}
}

// address gives the address of the list with a filter, on a page.
func (p *resourcesPage) address(filter string, page int) string {
	q := url.Values{}
	if p.Query != "" {
		q.Set("q", p.Query)
	}
	if filter != "" {
		q.Set("state", filter)
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return "/resources"
	}
	return "/resources?" + q.Encode()
}

// Before and After give the addresses of the pages beside this one; "" if there
// is none.
func (p *resourcesPage) Before() string { return p.beside(p.Page - 1) }

// After is the page after this one.
func (p *resourcesPage) After() string { return p.beside(p.Page + 1) }

func (p *resourcesPage) beside(page int) string {
	if page < 1 || page > p.Pages {
		return ""
	}
	return p.address(p.Filter, page)
}
