package webui

import (
	"net/http"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func (ui *UI) statusRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/status", anybody, ui.showStatusPage},
		{get, "/settings/status", staff, ui.showSection(statusSection)},
		{post, "/settings/status", admins, ui.saveStatusPage},
	}
}

// statusPage says in plain words how messages fare, to whoever may see it. It
// has no scripts.
type statusPage struct {
	Shell
	Page     *service.StatusPage // nil: its token is asked for
	Wrong    bool                // a token was given that is not it
	State    state
	Sentence string
	Rows     []statusRow
	News     []statusNews // of the latest days, newest first
}

// statusRow is an endpoint.
type statusRow struct {
	service.StatusEndpoint
	State     state
	Sentence  string // what it means for those who send; "" if all is well
	Bars      Bars
	Share     float64
	Known     bool
	Resources []statusResource
}

type statusResource struct {
	Name  string
	State state
}

// statusNews is what happened on a day.
type statusNews struct {
	Day   string
	Items []string
}

// newsDays is how many days are told of in words.
const newsDays = 14

func (ui *UI) showStatusPage(c *call) error {
	token := strings.TrimSpace(c.query("token"))
	found, err := ui.service.StatusPage(c.ctx(), service.Visitor{Token: dispatchapy.Secret(token), Principal: c.who})
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeUnauthenticated {
		return c.showStatus(http.StatusUnauthorized, "status", c.t("Status"), &statusPage{Wrong: token != ""})
	}
	if err != nil {
		return err
	}
	w := &words{c.lang}
	p := &statusPage{Page: found, State: w.statusState(found.State), Sentence: w.statusSentence(found.State)}
	for i := range found.Endpoints {
		p.Rows = append(p.Rows, w.statusRow(&found.Endpoints[i]))
	}
	p.News = w.statusNews(found.Endpoints)
	return c.show("status", found.Title, p)
}

func (w *words) statusRow(e *service.StatusEndpoint) statusRow {
	row := statusRow{StatusEndpoint: *e, State: w.statusState(e.State), Sentence: w.statusMeans(e), Bars: w.statusBars(e.Days)}
	row.Share, row.Known = e.Share()
	for _, r := range e.Resources {
		now := w.health(true, r.State)
		if r.State == dispatchapy.HealthMaintenance {
			now = w.state("held", "In maintenance")
		}
		row.Resources = append(row.Resources, statusResource{r.Name, now})
	}
	return row
}

func (w *words) statusState(s service.StatusState) state {
	switch s {
	case service.StatusOperational:
		return w.state("ok", "Operational")
	case service.StatusMaintenance:
		return w.state("held", "In maintenance")
	case service.StatusDegraded:
		return w.state("warn", "Degraded")
	case service.StatusDown:
		return w.state("fail", "Down")
	}
	return state{"wait", "unknown", w.lang.T("Unknown")}
}

// statusSentence says how all endpoints together do.
func (w *words) statusSentence(s service.StatusState) string {
	switch s {
	case service.StatusOperational:
		return w.lang.T("Everything works: messages are delivered.")
	case service.StatusMaintenance:
		return w.lang.T("There is planned maintenance. Messages are kept and delivered after it.")
	case service.StatusDegraded:
		return w.lang.T("Messages are delivered, but not everywhere as usual.")
	case service.StatusDown:
		return w.lang.T("No messages are delivered at the moment. They are kept, and delivered as soon as it is possible.")
	}
	return ""
}

// statusMeans says what the state of an endpoint means for those who send to it.
func (w *words) statusMeans(e *service.StatusEndpoint) string {
	switch e.State {
	case service.StatusMaintenance:
		return w.lang.T("Planned maintenance: messages are kept, and delivered after it.")
	case service.StatusDegraded:
		return w.lang.T("Messages are delivered, but not as usual: on another way, or later.")
	case service.StatusDown:
		return w.lang.T("Messages are not delivered at the moment. They are kept, and delivered as soon as it is possible.")
	}
	return ""
}

// statusBars shows a bar for each day.
func (w *words) statusBars(days []service.StatusDay) Bars {
	classes := map[service.StatusState]string{
		service.StatusOperational: "up", service.StatusDegraded: "part", service.StatusDown: "down", service.StatusMaintenance: "planned", service.StatusUnknown: "none",
	}
	bars := Bars{Width: len(days) * barWidth}
	bad := 0
	for i := range days {
		d := &days[i]
		what := strings.Join(w.statusDay(d), ", ")
		switch d.State() {
		case service.StatusOperational:
			what = w.lang.T("no interruption")
		case service.StatusUnknown:
			what = w.lang.T("nothing known")
		default:
			bad++
		}
		bars.Items = append(bars.Items, bar(i, classes[d.State()], w.day(d.Start)+": "+what))
	}
	bars.Label = w.lang.N("{n} day, {bad} of them with interruptions", "{n} days, {bad} of them with interruptions", len(days), "bad", w.lang.Number(int64(bad)))
	return bars
}

// day writes a date.
func (w *words) day(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// statusDay says what was not as usual on a day.
func (w *words) statusDay(d *service.StatusDay) (parts []string) {
	for _, part := range []struct {
		lasted time.Duration
		key    string
	}{{d.Down, tr("not delivered for {time}")}, {d.Degraded, tr("delivered on another way for {time}")}, {d.Planned, tr("maintenance for {time}")}} {
		if part.lasted >= time.Second {
			parts = append(parts, w.lang.T(part.key, "time", w.lasted(part.lasted)))
		}
	}
	return parts
}

// statusNews tells of the latest days on which something was not as usual.
func (w *words) statusNews(endpoints []service.StatusEndpoint) (news []statusNews) {
	for back := range newsDays {
		var of statusNews
		for i := range endpoints {
			at := len(endpoints[i].Days) - 1 - back
			if at < 0 {
				continue
			}
			d := &endpoints[i].Days[at]
			if parts := w.statusDay(d); len(parts) > 0 {
				of.Day = w.day(d.Start)
				of.Items = append(of.Items, endpoints[i].Name+": "+strings.Join(parts, ", "))
			}
		}
		if of.Day != "" {
			news = append(news, of)
		}
	}
	return news
}
