package webui

import (
	"net/url"
	"strconv"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// resourceHealthPage says how a resource did: by the day, in the last day, and
// check by check.
type resourceHealthPage struct {
	resourcePage
	Days      Bars
	Spans     []spanUptime
	Hours     []hourLatency
	Filter    string
	Checks    []service.Check
	Next      string // address of older checks; "" at the end
	First     string // address of the latest ones, where they are not shown
	Incidents []*incidentRow
}

// spanUptime is how a resource did over a span.
type spanUptime struct {
	Label string
	Share float64
	Known bool
	Down  time.Duration

	Outages int
	MTTR    time.Duration // of those that ended; 0 if none did
}

// hourLatency is how long requests and checks of an hour took.
type hourLatency struct {
	Start          time.Time
	Sent, Checks   service.Quantiles
	Requests, Made int64
}

const checksPerPage = 50

func (ui *UI) showResource(c *call) error {
	head, err := c.openResource("health")
	if err != nil {
		return err
	}
	p := &resourceHealthPage{resourcePage: head, Filter: oneOf(c.query("checks"), "failed", "manual")}
	for _, part := range []func(*call) error{p.addUptime, p.addLatency, p.addIncidents, p.addChecks} {
		if err := part(c); err != nil {
			return err
		}
	}
	return c.show("resource_health", p.R.Name, p)
}

func (p *resourceHealthPage) addUptime(c *call) error {
	for _, span := range []struct{ name, label string }{
		{"24h", c.t("24 hours")}, {"7d", c.t("7 days")}, {"30d", c.t("30 days")}, {"90d", c.t("90 days")},
	} {
		found, err := c.ui.service.ResourceUptime(c.ctx(), c.who, p.R.ID, span.name)
		if err != nil {
			return err
		}
		share, known := found.Total.Share()
		p.Spans = append(p.Spans, spanUptime{span.label, share, known, found.Total.Down, int(found.Repairs.Incidents), found.Repairs.MTTR})
		switch span.name {
		case "24h":
			p.addHours(found.Bars)
		case "90d":
			p.Days = uptimeBars(c.lang, found.Bars)
		}
	}
	return nil
}

func (p *resourceHealthPage) addHours(bars []service.Uptime) {
	for i := range bars {
		p.Hours = append(p.Hours, hourLatency{Start: bars[i].Since, Checks: bars[i].Answer, Made: bars[i].Checks - bars[i].Failures})
	}
}

func (p *resourceHealthPage) addLatency(c *call) error {
	stats, err := c.ui.service.Stats(c.ctx(), c.who, service.StatsInput{Resource: p.R.Name, Bucket: time.Hour})
	if err != nil {
		return err
	}
	for _, row := range stats.Rows {
		for i := range p.Hours {
			if p.Hours[i].Start.Equal(row.Start) {
				p.Hours[i].Sent, p.Hours[i].Requests = row.Answer, row.Attempts
			}
		}
	}
	return nil
}

// Timed reports whether there is anything to draw.
func (p *resourceHealthPage) Timed() bool {
	for i := range p.Hours {
		if p.Hours[i].Requests+p.Hours[i].Made > 0 {
			return true
		}
	}
	return false
}

func (p *resourceHealthPage) addChecks(c *call) error {
	filter := service.CheckFilter{Failed: p.Filter == "failed", Manual: p.Filter == "manual"}
	page, err := c.ui.service.FindChecks(c.ctx(), c.who, p.R.ID, filter, service.PageRequest{Cursor: c.query("before"), Limit: checksPerPage})
	if err != nil {
		return err
	}
	p.Checks = page.Items
	if page.Next != "" {
		p.Next = p.log(p.Filter, page.Next)
	}
	if c.query("before") != "" {
		p.First = p.log(p.Filter, "")
	}
	return nil
}

// Log gives the address of the log with a filter.
func (p *resourceHealthPage) Log(filter string) string { return p.log(filter, "") }

func (p *resourceHealthPage) log(filter, before string) string {
	q := url.Values{}
	if filter != "" {
		q.Set("checks", filter)
	}
	if before != "" {
		q.Set("before", before)
	}
	if len(q) == 0 {
		return p.Own("") + "#log"
	}
	return p.Own("") + "?" + q.Encode() + "#log"
}

// checkResource checks a resource at once and tells what came of it.
func (ui *UI) checkResource(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	r, err := ui.service.Resource(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	check, err := ui.service.CheckResource(c.ctx(), c.who, id)
	back := resourcePath(id, "")
	switch {
	case dispatchapy.ErrorCode(err) == dispatchapy.CodeConflict:
		return c.again(toast{Tone: "warn", Text: c.t("{name} is being checked already. The result will be in its log in a moment.", "name", r.Name)}, back)
	case err != nil:
		return err
	case check.OK:
		return c.again(toast{Text: c.t("{name} works: {what}", "name", r.Name, "what", c.checked(&check))}, back)
	}
	return c.again(toast{Tone: "fail", Text: c.t("{name} does not work: {what}", "name", r.Name, "what", c.checked(&check))}, back)
}

// maxSaid is how many characters of an answer a toast shows.
const maxSaid = 160

// checked says what a check found, in few words.
func (c *call) checked(check *dispatchapy.Check) string {
	what := c.lang.Said(check.Detail)
	if what == "" && check.StatusCode > 0 {
		what = "HTTP " + strconv.Itoa(check.StatusCode)
	}
	if runes := []rune(what); len(runes) > maxSaid {
		what = string(runes[:maxSaid]) + "…"
	}
	return what + ", " + (&words{c.lang}).took(check.Duration)
}
