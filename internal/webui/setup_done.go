package webui

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// setupDonePage shows the token, once, and how the first message fares.
type setupDonePage struct {
	taskPage        // of the message; without a task nothing was sent
	Token    string // "" where it was shown before
	Curl     string // with the token
	Endpoint string // its path
	Made     service.SetupResult
	Client   string
	Payload  string
	Refused  string // why the message was not taken
	First    string // name of the resource
}

// Final reports whether the message has come to its end.
func (p *setupDonePage) Final() bool {
	switch p.Task.Phase {
	case dispatchapy.PhaseDelivered, dispatchapy.PhaseFailed, dispatchapy.PhaseStopped, dispatchapy.PhaseHeld:
		return true
	}
	return false
}

// Sent is the address at which the message is looked at again.
func (p *setupDonePage) Sent() string {
	q := url.Values{"task": {strconv.FormatInt(p.Task.ID, 10)}}
	return "/setup/sent?" + q.Encode()
}

// setupDone sends the first message and shows all that was made.
func (ui *UI) setupDone(c *call, s *setupPage, in *service.SetupInput, made *service.SetupResult) error {
	p := &setupDonePage{
		Token: made.Token.Reveal(), Endpoint: in.Endpoint.Path, Made: *made, Client: in.Client.Name,
		Payload: s.Form.Value("example"), First: s.Form.Value("name"),
	}
	p.Curl = curlFor(c.origin()+"/api/"+strings.Trim(p.Endpoint, "/ "), p.Token, p.Payload)
	if err := p.send(c, made.EndpointID, p.Client, p.Payload); err != nil {
		return err
	}
	return c.show("setup_done", c.t("It is set up"), p)
}

// send makes the payload a task of the client. A refusal is told on the page.
func (p *setupDonePage) send(c *call, endpointID int64, client, payload string) error {
	receipt, err := c.ui.service.SendMessage(c.ctx(), c.who, endpointID, service.SendInput{Client: client, Payload: []byte(payload)})
	if code := dispatchapy.ErrorCode(err); code == dispatchapy.CodeInvalid || code == dispatchapy.CodeConflict || code == dispatchapy.CodeLimited || code == dispatchapy.CodeUnavailable {
		p.Refused = c.said(err)
		return nil
	}
	if err != nil {
		return err
	}
	return p.look(c, receipt.TaskID)
}

// look reads how a message fares.
func (p *setupDonePage) look(c *call, id int64) (err error) {
	if p.Task, err = c.ui.service.Task(c.ctx(), c.who, id); err != nil {
		return err
	}
	p.Way, p.Client = c.ui.service.ReadsProviders(c.who), p.Task.Client
	p.Endpoint, p.Made.EndpointID, p.Payload = p.Task.Endpoint, p.Task.EndpointID, string(p.Task.Source)
	if len(p.Task.Attempts) > 0 {
		p.Made.ResourceID, p.First = p.Task.Attempts[0].ResourceID, p.Task.Attempts[0].Resource
	}
	p.addMoments(c)
	return nil
}

// showSetupSent shows how a message fares, without the token.
func (ui *UI) showSetupSent(c *call) error {
	id, err := strconv.ParseInt(c.query("task"), 10, 64)
	if err != nil {
		return errNowhere
	}
	p := &setupDonePage{}
	if err := p.look(c, id); err != nil {
		return err
	}
	return c.show("setup_done", c.t("It is set up"), p)
}

// sendSetup sends the message once more.
func (ui *UI) sendSetup(c *call) error {
	form := c.form()
	endpoint, err := strconv.ParseInt(form.Value("endpoint"), 10, 64)
	if err != nil {
		return errNowhere
	}
	p := &setupDonePage{Payload: form.Value("payload"), Client: form.Value("client")}
	p.Made.EndpointID = endpoint
	if err := p.send(c, endpoint, p.Client, p.Payload); err != nil {
		return err
	}
	switch {
	case p.Refused != "":
		return c.showStatus(http.StatusUnprocessableEntity, "setup_done", c.t("It is set up"), p)
	case c.htmx():
		return c.show("setup_done", c.t("It is set up"), p)
	}
	return c.redirect(p.Sent())
}

// curlFor writes a command that sends the payload.
func curlFor(address, token, payload string) string {
	return "curl -X POST " + quoteShell(address) + " \\\n  -H " + quoteShell("X-API-Token: "+token) +
		" \\\n  -H 'Content-Type: application/json' \\\n  -d " + quoteShell(unixLines(payload))
}

func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
