package webui

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// routePage is the first tab of an endpoint: what it demands, and where its
// messages go in which order.
type routePage struct {
	endpointPage
	Failover failover
	Settings dispatchapy.Settings // what holds where the endpoint says nothing
	Unsaved  bool                 // the form shows what is not stored
}

var retryFields = []string{"retry.max_attempts", "retry.base", "retry.factor", "retry.cap", "retry.jitter", "retry.max_age"}

// OwnRetry reports whether the endpoint has limits or retries of its own, or
// something is wrong with them.
func (p *routePage) OwnRetry() bool {
	return slices.ContainsFunc(retryFields, func(name string) bool { return p.Form.given(name) || p.Form.Fault(name) != "" }) ||
		p.Form.Fault("max_body") != ""
}

func (ui *UI) showRoute(c *call) error {
	p := &routePage{}
	var err error
	if p.endpointPage, err = c.openEndpoint(""); err != nil {
		return err
	}
	p.Form = c.newForm(routeValues(&p.E.Endpoint))
	return c.route(p)
}

func (c *call) route(p *routePage) (err error) {
	p.Form.Labels = routeLabels(c)
	if p.Settings, err = c.ui.service.Settings(c.ctx(), c.who); err != nil {
		return err
	}
	if p.Failover, err = c.failoverOf(&p.endpointPage); err != nil {
		return err
	}
	return c.showStatus(p.Form.Status(), "endpoint", p.URL(), p)
}

func (ui *UI) saveRoute(c *call) error {
	p := &routePage{}
	var err error
	if p.endpointPage, err = c.openEndpoint(""); err != nil {
		return err
	}
	p.Form, p.Unsaved = c.form(), true
	if p.Form.Do() == "fill" {
		p.Form.fillParams()
		return c.route(p)
	}
	written := p.Form.route()
	if p.Form.Failed() {
		return c.route(p)
	}
	saved, err := ui.service.UpdateEndpoint(c.ctx(), c.who, p.E.ID, p.Form.Version(), func(d *service.EndpointDraft) error {
		d.Path, d.Description, d.RequiredParams = written.Path, written.Description, written.RequiredParams
		d.MaxBody, d.Retry = written.MaxBody, written.Retry
		return nil
	})
	if p.Form.Take(err) {
		return c.route(p)
	}
	if err != nil {
		return err
	}
	c.done("The route is saved.")
	return c.redirect(endpointPath(saved.ID, ""))
}

func routeLabels(c *call) map[string]string {
	return map[string]string{
		"path": c.t("Path"), "description": c.t("Description"), "required_params": c.t("Parameters"), "max_body": c.t("Largest body"),
		"retry.max_attempts": c.t("Attempts"), "retry.base": c.t("First wait"), "retry.factor": c.t("Factor"), "retry.cap": c.t("Longest wait"),
		"retry.jitter": c.t("Jitter"), "retry.max_age": c.t("Give up after"), "example": c.t("Example message"),
	}
}

// routeValues writes an endpoint into the fields of the form.
func routeValues(e *dispatchapy.Endpoint) url.Values {
	v := url.Values{
		"path": {e.Path}, "description": {e.Description}, "version": {strconv.FormatInt(e.Version, 10)},
		"required_params": {strings.Join(ownParams(e.RequiredParams), "\n")}, "max_body": {sizeText(e.MaxBody)},
	}
	r := e.Retry
	if r == nil {
		return v
	}
	set := func(name string, given bool, text func() string) {
		if given {
			v.Set("retry."+name, text())
		}
	}
	set("max_attempts", r.MaxAttempts != nil, func() string { return strconv.Itoa(*r.MaxAttempts) })
	set("base", r.Base != nil, func() string { return r.Base.String() })
	set("factor", r.Factor != nil, func() string { return strconv.FormatFloat(*r.Factor, 'g', -1, 64) })
	set("cap", r.Cap != nil, func() string { return r.Cap.String() })
	set("jitter", r.Jitter != nil, func() string { return strconv.FormatFloat(*r.Jitter, 'g', -1, 64) })
	set("max_age", r.MaxAge != nil, func() string { return r.MaxAge.String() })
	return v
}

// always are the parameters that every endpoint demands.
var always = []string{"ref", "scope"}

// ownParams leaves out those that every endpoint has.
func ownParams(params []string) []string {
	return slices.DeleteFunc(slices.Clone(params), func(p string) bool { return slices.Contains(always, p) })
}

// params reads the parameters, one to a line, each once.
func (f *Form) params() []string {
	var out []string
	for line := range strings.Lines(f.Value("required_params")) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

// fillParams adds the keys of the example that was pasted, in its order.
func (f *Form) fillParams() {
	members := membersOf([]byte(f.Value("example")))
	if len(members) == 0 {
		f.Refuse("example", "must be a JSON object, like the one that your application is going to send")
		return
	}
	params := f.params()
	for _, m := range members {
		if name := strings.TrimSpace(m.Key); name != "" && !slices.Contains(params, name) && !slices.Contains(always, name) {
			params = append(params, name)
		}
	}
	f.Set("required_params", strings.Join(params, "\n"))
	f.Set("example", "")
}

// route reads the endpoint from the form, without its resources.
func (f *Form) route() dispatchapy.Endpoint {
	e := dispatchapy.Endpoint{
		Path: f.Value("path"), Description: lines(f.Value("description")), RequiredParams: f.params(), MaxBody: f.Size("max_body"),
	}
	var r dispatchapy.RetryOverride
	if f.given("retry.max_attempts") {
		n := f.Whole("retry.max_attempts")
		r.MaxAttempts = &n
	}
	for name, into := range map[string]**dispatchapy.Duration{"retry.base": &r.Base, "retry.cap": &r.Cap, "retry.max_age": &r.MaxAge} {
		if f.given(name) {
			d := f.Duration(name)
			*into = &d
		}
	}
	for name, into := range map[string]**float64{"retry.factor": &r.Factor, "retry.jitter": &r.Jitter} {
		if f.given(name) {
			n := f.Decimal(name)
			*into = &n
		}
	}
	if r != (dispatchapy.RetryOverride{}) {
		e.Retry = &r
	}
	return e
}

func (f *Form) given(name string) bool { return strings.TrimSpace(f.Value(name)) != "" }

// lines gives a text that was written in a browser, which ends lines by two
// characters.
func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// Decimal reads a number with a fraction.
func (f *Form) Decimal(name string) float64 {
	n, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(f.Value(name)), ",", ".", 1), 64)
	if err != nil {
		f.Refuse(name, "must be a number, like 0.2")
	}
	return n
}

// sizes are the units in which people write a size.
var sizes = []struct {
	unit  string
	bytes int64
}{{"MB", 1 << 20}, {"KB", 1 << 10}, {"B", 1}}

// Size reads a number of bytes, like 512 KB or 1 MB.
func (f *Form) Size(name string) int64 {
	text := strings.ToUpper(strings.ReplaceAll(f.Value(name), " ", ""))
	if text == "" {
		return 0
	}
	unit := int64(1)
	for _, s := range sizes {
		if number, found := strings.CutSuffix(text, s.unit); found {
			text, unit = number, s.bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > 1<<40/unit {
		f.Refuse(name, "must be a size, like 512 KB or 1 MB")
		return 0
	}
	return n * unit
}

// sizeText writes a size so that Size reads the same.
func sizeText(n int64) string {
	for _, s := range sizes {
		if n > 0 && n%s.bytes == 0 {
			return strconv.FormatInt(n/s.bytes, 10) + " " + s.unit
		}
	}
	return ""
}

// newEndpointPage makes an endpoint.
type newEndpointPage struct {
	Shell
	Form     *Form
	Failover failover
	Settings dispatchapy.Settings
}

func (ui *UI) newEndpoint(c *call) error {
	return c.endpointForm(&newEndpointPage{Form: c.newForm(nil)})
}

func (c *call) endpointForm(p *newEndpointPage) (err error) {
	p.Form.Labels = routeLabels(c)
	if p.Settings, err = c.ui.service.Settings(c.ctx(), c.who); err != nil {
		return err
	}
	if p.Failover, err = c.failoverOfForm(p.Form); err != nil {
		return err
	}
	return c.showStatus(p.Form.Status(), "endpoint_new", c.t("New endpoint"), p)
}

func (ui *UI) createEndpoint(c *call) error {
	p := &newEndpointPage{Form: c.form()}
	switch do, _, _ := strings.Cut(p.Form.Do(), " "); do {
	case "fill":
		p.Form.fillParams()
		return c.endpointForm(p)
	case "up", "down":
		p.Form.values["order"] = rearranged(p.Form.Values("order"), p.Form.Do())
		return c.endpointForm(p)
	}
	e := p.Form.route()
	for _, name := range p.Form.Values("order") {
		if p.Form.Has("use", name) {
			e.Resources = append(e.Resources, name)
		}
	}
	if p.Form.Failed() {
		return c.endpointForm(p)
	}
	made, err := ui.service.CreateEndpoint(c.ctx(), c.who, &service.EndpointDraft{Endpoint: e})
	if p.Form.Take(err) {
		return c.endpointForm(p)
	}
	if err != nil {
		return err
	}
	if len(made.Resources) == 0 {
		c.done("The endpoint is made. It needs a resource to send to.")
		return c.redirect(endpointPath(made.ID, ""))
	}
	c.done("The endpoint is made. Next: say what each resource gets.")
	return c.redirect(endpointPath(made.ID, "rules"))
}
