package webui

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// failover is the list of resources in failover order, followed by those that
// are not used.
type failover struct {
	Action  string // where a change is posted at once; "": it is a part of a larger form
	Version int64
	Rows    []failoverRow
	Used    int  // of the rows, the first ones
	More    bool // there are resources that are not listed

	WhatIf  bool   // some are taken to be down, to see who takes over
	Carrier string // who would carry the messages; "": nobody
	Path    string // of the page without what if
}

// failoverRow is a resource in the list.
type failoverRow struct {
	ID      int64
	Name    string
	Place   int // from 1; 0: not used
	Used    bool
	State   state
	Carrier bool
	Until   time.Time // when the maintenance ends that it is in; zero: it is in none
	Down    bool      // taken to be
	IfDown  string    // address of the list with it up or down
	Share   float64
	Asked   bool // anything was sent to it in 24 hours
	Missing []string
	Needs   int // keys that it requires
}

// Unused gives the rows of the resources that are not used.
func (f *failover) Unused() []failoverRow { return f.Rows[f.Used:] }

// Many reports whether the resources that are not used would be most of the
// page: they are behind a line then.
func (f *failover) Many() bool { return f.Used > 0 && len(f.Unused()) > 6 }

// InUse gives the rows of those that are, in order.
func (f *failover) InUse() []failoverRow { return f.Rows[:f.Used] }

// failoverOf makes the list of an endpoint.
func (c *call) failoverOf(p *endpointPage) (failover, error) {
	f := failover{Action: p.Own("order"), Version: p.E.Version, Used: len(p.resources), Path: p.Own("")}
	down := c.r.URL.Query()["down"]
	f.WhatIf = c.r.URL.Query().Has("whatif") || len(down) > 0
	stats, err := c.ui.service.Stats(c.ctx(), c.who, service.StatsInput{Group: "resource", Endpoint: p.E.Path})
	if err != nil {
		return f, err
	}
	carrier := p.Route.CarrierWithout(down)
	for i := range p.resources {
		r := &p.resources[i]
		row := failoverRow{ID: r.ID, Name: r.Name, Place: i + 1, Used: true, Carrier: i == carrier, Missing: p.missing(i), Needs: len(r.RequiredParams)}
		row.Down = slices.Contains(down, r.Name)
		row.IfDown = ifDown(p.Own(""), down, r.Name)
		if r.IsActive() && r.Planned != nil {
			row.Until = r.Planned.Until
		}
		row.State = (&words{c.lang}).resource(r.IsActive(), r.Health.State, string(p.Route.Routes[i].Reason))
		if row.Down {
			row.State = state{"fail", "fail", c.t("Down, if")}
		}
		for _, s := range stats.Rows {
			if s.Name == r.Name && s.Attempts > 0 {
				row.Share, row.Asked = 1-float64(s.FailedAttempts)/float64(s.Attempts), true
			}
		}
		if row.Carrier {
			f.Carrier = r.Name
		}
		f.Rows = append(f.Rows, row)
	}
	return f, c.addUnused(&f, p.E.Resources)
}

// ifDown gives the address of the list in which one more, or one less, is taken
// to be down.
func ifDown(path string, down []string, name string) string {
	q := url.Values{"whatif": {"1"}}
	for _, other := range down {
		if other != name {
			q["down"] = append(q["down"], other)
		}
	}
	if !slices.Contains(down, name) {
		q["down"] = append(q["down"], name)
	}
	return path + "?" + q.Encode()
}

// addUnused lists the other resources, by name.
func (c *call) addUnused(f *failover, used []string) error {
	found, err := c.ui.service.ListResources(c.ctx(), c.who, service.PageRequest{Limit: service.MaxLimit})
	f.More = found.Next != ""
	for i := range found.Items {
		r := &found.Items[i]
		if !slices.Contains(used, r.Name) {
			f.Rows = append(f.Rows, failoverRow{ID: r.ID, Name: r.Name, State: (&words{c.lang}).health(r.IsActive(), r.Health.State), Needs: len(r.RequiredParams)})
		}
	}
	return err
}

// failoverOfForm makes the list of an endpoint that is not there yet: all
// resources in the order of the form, none used unless it is ticked.
func (c *call) failoverOfForm(form *Form) (failover, error) {
	var all failover
	if err := c.addUnused(&all, nil); err != nil {
		return all, err
	}
	order := form.Values("order")
	slices.SortStableFunc(all.Rows, func(a, b failoverRow) int { return orderOf(order, a.Name) - orderOf(order, b.Name) })
	for i := range all.Rows {
		all.Rows[i].Place, all.Rows[i].Used = i+1, form.Has("use", all.Rows[i].Name)
	}
	all.Used = len(all.Rows)
	return all, nil
}

// orderOf gives where a name stands in a list; behind the end if it does not.
func orderOf(list []string, name string) int {
	if i := slices.Index(list, name); i >= 0 {
		return i
	}
	return len(list)
}

// rearranged does what a button asks for: "up 2" and "down 2" move the item at place
// 2, from 1, "unuse 2" takes it out, "use NAME" adds one at the end.
func rearranged(list []string, do string) []string {
	out := slices.Clone(list)
	verb, what, _ := strings.Cut(do, " ")
	if verb == "use" {
		return append(out, what)
	}
	place, err := strconv.Atoi(what)
	i := place - 1
	if err != nil || i < 0 || i >= len(out) {
		return out
	}
	switch {
	case verb == "up" && i > 0:
		out[i-1], out[i] = out[i], out[i-1]
	case verb == "down" && i < len(out)-1:
		out[i], out[i+1] = out[i+1], out[i]
	case verb == "unuse":
		out = slices.Delete(out, i, i+1)
	}
	return out
}

// orderEndpoint changes the failover order, or which resources are used, at
// once. A mapping goes with its resource, and comes back by Undo.
func (ui *UI) orderEndpoint(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	form := c.form()
	before, err := ui.service.Endpoint(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	wanted := rearranged(form.Values("resources"), form.Do())
	saved, err := ui.service.UpdateEndpoint(c.ctx(), c.who, id, form.Version(), func(d *service.EndpointDraft) error {
		d.Resources = wanted
		mapping := map[string]dispatchapy.Mapping{}
		for _, name := range wanted {
			if m, kept := d.Mapping[name]; kept {
				mapping[name] = m
			} else if m, restored := form.mappingOf(name); restored {
				mapping[name] = m
			}
		}
		d.Mapping = mapping
		return nil
	})
	back := endpointPath(id, "")
	if err != nil {
		return c.refused(err, back)
	}
	return c.again(toast{Text: c.orderSaid(before.Resources, saved.Resources), Undo: undoOrder(&before, &saved, back)}, back)
}

// orderSaid says what was changed.
func (c *call) orderSaid(before, after []string) string {
	for _, name := range before {
		if !slices.Contains(after, name) {
			return c.t("{name} is not used any more.", "name", name)
		}
	}
	for _, name := range after {
		if !slices.Contains(before, name) {
			return c.t("{name} is used, as number {n}.", "name", name, "n", slices.Index(after, name)+1)
		}
	}
	return c.t("The order is saved.")
}

// undoOrder brings back the order before, with the mappings that went.
func undoOrder(before, after *service.Endpoint, back string) *undo {
	fields := map[string][]string{"resources": before.Resources, "version": {strconv.FormatInt(after.Version, 10)}, "back": {back}}
	for _, name := range before.Resources {
		if m := before.Mapping[name]; len(m) > 0 && !slices.Contains(after.Resources, name) {
			text, err := json.Marshal(m)
			if err != nil {
				return nil
			}
			fields["mapping."+name] = []string{string(text)}
		}
	}
	return &undo{endpointPath(before.ID, "order"), fields}
}

// mappingOf reads the mapping of a resource that undoOrder wrote.
func (f *Form) mappingOf(name string) (m dispatchapy.Mapping, given bool) {
	text := f.Value("mapping." + name)
	return m, text != "" && json.Unmarshal([]byte(text), &m) == nil
}
