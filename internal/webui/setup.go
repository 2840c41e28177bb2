package webui

import (
	"encoding/json"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// setupPage leads from nothing to a delivered task: where messages go, what
// comes in, how it is mapped, and the first message. Nothing is stored before
// the end, and then all of it at once.
type setupPage struct {
	Shell
	Form      *Form
	Notes     []string // about what was pasted
	Echo      string   // URL of the echo; "": it cannot be used
	Resources []Option // that there are already, by id
	Paths     []string // of the example, for the mapping
	Rows      []mapRow
	Route     *service.PreviewRoute // what would be sent; nil: Missing says why not
	Missing   string
	Steps     [4]bool // which ones are done
}

// mapRow is a key of the resource, with where its value comes from.
type mapRow struct {
	Index   int
	Key     string
	Missing bool // nothing is said yet
}

const (
	toURL  = "url"
	toEcho = "echo"
	toOld  = "resource"
)

// setupExample is what an application is likely to send.
const setupExample = `{
  "ref": "inv-1042",
  "scope": "production",
  "phone": "+15550123",
  "message": "Disk at 91 %"
}`

// skippedSetup is the cookie of those who do not want to be led here.
const skippedSetup = "setup"

func (ui *UI) setupRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/setup", admins, ui.showSetup},
		{post, "/setup", admins, ui.setUp},
		{post, "/setup/skip", admins, ui.skipSetup},
		{get, "/setup/sent", admins, ui.showSetupSent},
		{post, "/setup/sent", admins, ui.sendSetup},
	}
}

// wantsSetup reports whether somebody is led to the set-up instead of an empty
// overview.
func (c *call) wantsSetup(resources int) bool {
	return resources == 0 && !c.htmx() && c.who.May(dispatchapy.WriteConfig) && cookie(c.r, skippedSetup) == ""
}

// skipSetup leaves the set-up for the overview, for as long as the browser runs.
func (ui *UI) skipSetup(c *call) error {
	http.SetCookie(c.w, &http.Cookie{Name: skippedSetup, Value: "skipped", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.secure()})
	return c.redirect("/")
}

func (ui *UI) showSetup(c *call) error {
	form := c.newForm(nil)
	form.Set("to", toURL)
	form.Set("example", setupExample)
	form.Set("method", http.MethodPost)
	return ui.setupPage(c, &setupPage{Form: form})
}

func (ui *UI) setupPage(c *call, p *setupPage) error {
	if err := p.settle(c); err != nil {
		return err
	}
	return c.showStatus(p.Form.Status(), "setup", c.t("Set up"), p)
}

// setUp makes all of it and sends the first message, or shows what would come
// of what is written.
func (ui *UI) setUp(c *call) error {
	p := &setupPage{Form: c.form()}
	if p.Form.editRows("headers", "required_params") || p.Form.Do() == "preview" {
		return ui.setupPage(c, p)
	}
	if err := p.settle(c); err != nil {
		return err
	}
	in := p.input()
	if p.refuse(); p.Form.Failed() {
		return c.showStatus(p.Form.Status(), "setup", c.t("Set up"), p)
	}
	made, err := ui.service.SetUp(c.ctx(), c.who, in)
	if err != nil {
		if !p.Form.Take(err) {
			return err
		}
		p.placeFaults()
		return c.showStatus(p.Form.Status(), "setup", c.t("Set up"), p)
	}
	return ui.setupDone(c, p, &in, &made)
}

// settle brings the form up to date with what is written: what was pasted is
// read, and suggestions follow, except where somebody wrote something else.
func (p *setupPage) settle(c *call) error {
	taken, err := p.load(c)
	if err != nil {
		return err
	}
	f := p.Form
	switch f.Value("to") {
	case toEcho:
		p.takeEcho(taken.resource)
	case toOld:
		if err := p.takeStored(c); err != nil {
			return err
		}
	default:
		f.Set("to", toURL)
		p.takePaste(taken.resource)
	}
	body := []byte(f.Value("example"))
	exampleOK := !f.refuseJSON("example")
	if exampleOK {
		p.Paths = pathsOf(body)
		f.follow("path", suggestPath(keysAt(body), taken.endpoint))
		p.wantRefAndScope(body)
	}
	f.follow("client", freeName("my-app", "-", taken.client))
	p.suggestMapping()
	p.Steps = [4]bool{f.Value("url") != "" && f.Fault("paste") == "", exampleOK && f.Fault("example") == "", p.mapped(), false}
	return p.preview(c, body)
}

// Demanded are the keys that the endpoint will ask for.
func (p *setupPage) Demanded() []string {
	if p.Form.Fault("example") != "" {
		return nil
	}
	return keysAt([]byte(p.Form.Value("example")))
}

// Methods are the HTTP methods to choose from.
func (p *setupPage) Methods() []Option { return checks(dispatchapy.Methods) }

// names tells which names are taken.
type names struct{ resource, endpoint, client func(string) bool }

func (p *setupPage) load(c *call) (names, error) {
	settings, err := c.ui.service.Settings(c.ctx(), c.who)
	if err != nil {
		return names{}, err
	}
	if settings.Outbound.AllowPrivate {
		p.Echo = c.ui.echo
	}
	health, err := c.ui.service.AllHealth(c.ctx(), c.who, "")
	if err != nil {
		return names{}, err
	}
	resources := map[string]bool{}
	for _, r := range health {
		resources[r.Name] = true
		p.Resources = append(p.Resources, Option{Value: strconv.FormatInt(r.ID, 10), Label: r.Name})
	}
	routes, err := c.ui.service.EndpointRoutes(c.ctx(), c.who)
	if err != nil {
		return names{}, err
	}
	endpoints := map[string]bool{}
	for i := range routes {
		endpoints[routes[i].Path] = true
	}
	clients, err := c.clientNames()
	return names{
		func(name string) bool { return resources[name] }, func(path string) bool { return endpoints[path] }, func(name string) bool { return clients[name] },
	}, err
}

// clientNames lists the names of all clients.
func (c *call) clientNames() (map[string]bool, error) {
	found := map[string]bool{}
	ask := service.PageRequest{Limit: service.MaxLimit}
	for {
		page, err := c.ui.service.ListClients(c.ctx(), c.who, ask)
		if err != nil {
			return nil, err
		}
		for _, client := range page.Items {
			found[client.Name] = true
		}
		if ask.Cursor = page.Next; ask.Cursor == "" {
			return found, nil
		}
	}
}

// follow sets a field to a suggestion, unless something else was written into
// it: "was:NAME" remembers the suggestion before.
func (f *Form) follow(name, suggestion string) {
	if f.Value(name) == f.Value("was:"+name) {
		f.Set(name, suggestion)
	}
	f.Set("was:"+name, suggestion)
}

// takeEcho fills in the gateway's own echo.
func (p *setupPage) takeEcho(taken func(string) bool) {
	f := p.Form
	if p.Echo == "" {
		f.Refuse("to", "The echo cannot be reached: the settings forbid addresses on this machine.")
		return
	}
	f.clearResource()
	f.Set("url", p.Echo)
	f.Set("method", http.MethodPost)
	f.follow("name", freeName("Echo", " ", taken))
	f.Set("required_params[0]", "to")
	f.Set("required_params[1]", "text")
}

// takeStored takes over the keys of a resource that there is already.
func (p *setupPage) takeStored(c *call) error {
	f := p.Form
	if f.Value("resource") == "" && len(p.Resources) > 0 {
		f.Set("resource", p.Resources[0].Value)
	}
	id, _ := strconv.ParseInt(f.Value("resource"), 10, 64) // 0, which there is not
	r, err := c.ui.service.Resource(c.ctx(), c.who, id)
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeNotFound {
		f.Refuse("resource", "Choose a resource.")
		return nil
	}
	if err != nil {
		return err
	}
	f.clearResource()
	f.Set("url", r.URL)
	f.Set("method", r.Method)
	f.Set("name", r.Name)
	for i, key := range r.RequiredParams {
		f.Set(At("required_params", i, ""), key)
	}
	f.fillTestValues(&r.Resource)
	return nil
}

// takePaste reads what was pasted, once.
func (p *setupPage) takePaste(taken func(string) bool) {
	f := p.Form
	text := strings.TrimSpace(f.Value("paste"))
	sum := ""
	if text != "" {
		h := fnv.New64a()
		_, _ = h.Write([]byte(text)) // never fails
		sum = strconv.FormatUint(h.Sum64(), 36)
	}
	switch {
	case sum != "" && sum != f.Value("read"):
		before := f.Value("name")
		f.clearResource()
		f.Set("name", "")
		p.Notes = f.paste(taken)
		f.Set("paste", text)
		suggested := f.Value("name")
		if before != "" && before != f.Value("was:name") {
			f.Set("name", before)
		}
		f.Set("was:name", suggested)
	case sum == "" && f.Value("read") != "":
		f.clearResource()
		f.Set("name", "")
	case f.Value("url") == p.Echo && p.Echo != "":
		f.clearResource() // the echo was chosen before
		f.Set("name", "")
	}
	f.Set("read", sum)
}

// clearResource forgets what was read before.
func (f *Form) clearResource() {
	for _, list := range []string{"headers", "required_params", "test_values"} {
		f.takeRows(list)
	}
	f.Set("url", "")
	f.Set("method", http.MethodPost)
}

// keysAt gives the top-level keys of an object.
func keysAt(body []byte) []string {
	var keys []string
	for _, m := range membersOf(body) {
		keys = append(keys, m.Key)
	}
	return keys
}

// wantRefAndScope notes what every message needs.
func (p *setupPage) wantRefAndScope(body []byte) {
	keys := keysAt(body)
	for _, needed := range []string{"ref", "scope"} {
		if !slices.Contains(keys, needed) {
			p.Form.Refuse("example", "Every message needs the key {key}.", "key", needed)
		}
	}
}

// input gives what is set up.
func (p *setupPage) input() service.SetupInput {
	f := p.Form
	in := service.SetupInput{Mapping: dispatchapy.Mapping{}}
	if f.Value("to") == toOld {
		in.ResourceID, _ = strconv.ParseInt(f.Value("resource"), 10, 64) // settle has seen to it
	} else {
		r := &in.Resource
		f.readResource(r, "headers", "keys")
		r.Name, r.URL, r.Method = f.Value("name"), f.Value("url"), f.Value("method")
		for i := range f.Rows("test_values") {
			if value := fromWords(f.Value(At("test_values", i, "value"))); json.Valid(value) {
				if r.HealthCheck.TestValues == nil {
					r.HealthCheck.TestValues = map[string]json.RawMessage{}
				}
				r.HealthCheck.TestValues[f.Value(At("test_values", i, "key"))] = value
			}
		}
	}
	in.Endpoint.Path, in.Client.Name = f.Value("path"), f.Value("client")
	for _, key := range keysAt([]byte(f.Value("example"))) {
		if key != "ref" && key != "scope" {
			in.Endpoint.RequiredParams = append(in.Endpoint.RequiredParams, key)
		}
	}
	for _, row := range p.Rows {
		if source, ok := f.source(row.Index); ok {
			in.Mapping[row.Key] = source
		}
	}
	return in
}

// refuse notes what is missing before anything is made.
func (p *setupPage) refuse() {
	f := p.Form
	if f.Value("url") == "" && f.Fault("paste") == "" && f.Value("to") == toURL {
		f.Refuse("paste", "Paste a curl command or an address first, or take the echo.")
	}
	for _, row := range p.Rows {
		if row.Missing {
			f.Refuse(At("map", row.Index, "value"), "Say where {key} comes from, or take the key away.", "key", row.Key)
		}
	}
}

// placeFaults gives faults of the service the fields in which they stand.
func (p *setupPage) placeFaults() {
	f := p.Form
	for i := range f.Faults {
		fault := &f.Faults[i]
		switch rest, ofResource := strings.CutPrefix(fault.Path, "resource."); {
		case ofResource:
			fault.Path = rest
		case fault.Path == "endpoint.path":
			fault.Path = "path"
		case strings.HasPrefix(fault.Path, "client."):
			fault.Path = "client"
		}
		if rest, found := strings.CutPrefix(fault.Path, "mapping."); found {
			for _, row := range p.Rows {
				if rest == row.Key || strings.HasPrefix(rest, row.Key+".") {
					fault.Path = At("map", row.Index, "value")
				}
			}
		}
	}
	f.placeFaults()
}

// preview shows what would be sent, if enough is known.
func (p *setupPage) preview(c *call, body []byte) error {
	f := p.Form
	switch {
	case f.Value("url") == "":
		p.Missing = c.t("Say first where it should go.")
		return nil
	case f.Fault("example") != "":
		p.Missing = c.t("The example cannot be used yet.")
		return nil
	}
	in := p.input()
	route, err := c.ui.service.PreviewSetup(c.ctx(), c.who, in, body)
	switch {
	case err == nil:
		p.Route = &route
	case dispatchapy.ErrorCode(err) == dispatchapy.CodeInvalid:
		p.Missing = c.said(err)
	default:
		return err
	}
	return nil
}
