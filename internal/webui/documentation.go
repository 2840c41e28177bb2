package webui

import (
	"net/http"
	"slices"
	"strconv"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// posters are clients that try out an endpoint; how much they may send is a
// matter of the endpoint.
var posters = access{clients: true, body: dispatchapy.MaxMaxBody + 1<<20, reads: true}

func (ui *UI) documentationRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/documentation", everybody, ui.showDocumentation},
		{post, "/documentation", clients, ui.tryEndpoint},
		{get, "/documentation/explorer", everybody, ui.showExplorer},
		{post, "/documentation/try/{path...}", posters, ui.postAsClient},
	}
}

// documentationPage tells senders of the endpoints that they may post to.
type documentationPage struct {
	Shell
	Endpoints []service.EndpointDescription // all of them
	Cards     []*endpointCard               // those that are shown
	Errors    []service.SenderError
	Origin    string // address of the gateway
}

// Single reports whether one endpoint is shown at a time.
func (p *documentationPage) Single() bool { return len(p.Endpoints) > mostCards }

// Shows reports whether an endpoint is among those that are shown.
func (p *documentationPage) Shows(id int64) bool {
	return slices.ContainsFunc(p.Cards, func(c *endpointCard) bool { return c.ID == id })
}

// endpointCard is all about one endpoint.
type endpointCard struct {
	service.EndpointDescription
	Samples []service.Sample
	Form    *Form // to try it
	Receipt *dispatchapy.Receipt
}

// Most is how many bytes a message may have.
func (c *endpointCard) Most() int { return int(c.MaxBody) }

// mostCards is how many endpoints are shown on one page; of more, one at a time.
const mostCards = 6

func (ui *UI) showDocumentation(c *call) error {
	id, _ := strconv.ParseInt(c.query("endpoint"), 10, 64) // what is none shows the first
	return ui.documentation(c, id, nil, nil)
}

// documentation shows the page. The form and the receipt are those of the
// endpoint that was tried.
func (ui *UI) documentation(c *call, id int64, form *Form, receipt *dispatchapy.Receipt) error {
	described, err := ui.service.DescribeEndpoints(c.ctx(), c.who)
	if err != nil {
		return err
	}
	p := &documentationPage{Endpoints: described, Errors: service.SenderErrors(), Origin: c.origin()}
	shown := described
	if p.Single() {
		at := max(0, slices.IndexFunc(described, func(d service.EndpointDescription) bool { return d.ID == id }))
		shown = described[at : at+1]
	}
	status := http.StatusOK
	for _, d := range shown {
		card := &endpointCard{EndpointDescription: d, Form: c.newForm(nil)}
		card.Form.Set("payload", string(d.Example))
		if d.ID == id && form != nil {
			card.Form, card.Receipt = form, receipt
			status = form.Status()
		}
		if card.Samples, err = ui.service.Samples(c.ctx(), c.who, d.ID, p.Origin); err != nil {
			return err
		}
		p.Cards = append(p.Cards, card)
	}
	return c.showStatus(status, "documentation", c.t("API docs"), p)
}

// tryEndpoint sends a message as the client that signed in.
func (ui *UI) tryEndpoint(c *call) error {
	form := c.form()
	id, err := strconv.ParseInt(form.Value("endpoint"), 10, 64)
	if err != nil {
		return errNowhere
	}
	receipt, err := ui.service.SendMessage(c.ctx(), c.who, id, service.SendInput{
		Payload: []byte(form.Value("payload")), IdempotencyKey: form.Value("idempotency_key"),
	})
	if form.Take(err) {
		return ui.documentation(c, id, form, nil)
	}
	if err != nil {
		return err
	}
	return ui.documentation(c, id, form, &receipt)
}

// explorerPage holds Swagger UI.
type explorerPage struct {
	Shell
}

func (ui *UI) showExplorer(c *call) error {
	return c.show("explorer", c.t("API explorer"), &explorerPage{})
}

// postAsClient is POST /api/{path} of the explorer: the client's session stands
// for its token, which the page does not know. Only scripts of our own pages
// can ask for it.
func (ui *UI) postAsClient(c *call) error {
	if !c.ownScript() {
		return errForeignForm
	}
	r := c.r.Clone(c.ctx())
	r.URL.Path, r.URL.RawPath = "/api/"+c.r.PathValue("path"), ""
	ui.post(c.w, r, c.who.ClientID)
	return nil
}
