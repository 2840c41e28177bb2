package webui

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// resendPage sends a task's message once more, changed or through one resource
// only, as a new task.
type resendPage struct {
	Shell
	Form      *Form
	Task      service.TaskDetail
	Query     query
	Resources []Option
	Warning   string // what speaks against it; "" if nothing does
	Preview   *previewView
}

// Held reports whether the new task takes the place of a held one.
func (p *resendPage) Held() bool { return p.Task.Status == dispatchapy.StatusHeld }

// Back is the address of the task's page.
func (p *resendPage) Back() string { return taskPath(p.Task.ID, p.Query) }

// previewView is what would become of a message.
type previewView struct {
	service.Preview
	Routes []routeView
	Only   string // the resource that it is to go through; "": any
	Secret bool   // where it goes is not for whoever asks
}

// routeView is what would be sent to one resource.
type routeView struct {
	service.PreviewRoute
	Place  int
	Chosen bool
	Why    string // it cannot be used now
	Body   string
}

func (ui *UI) showResend(c *call) error {
	p, err := ui.resendPage(c)
	if err != nil {
		return err
	}
	p.Form = c.newForm(url.Values{"payload": {jsonText([]byte(p.Task.Source))}, "resource": {c.query("resource")}})
	return ui.finishResend(c, p, nil, http.StatusOK)
}

func (ui *UI) resendPage(c *call) (*resendPage, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	p := &resendPage{}
	p.Query, _ = parseQuery(c.query("q"))
	p.Task, err = ui.service.Task(c.ctx(), c.who, id)
	if err != nil {
		return nil, err
	}
	if err := c.who.Require(dispatchapy.ActOnTasks); err != nil {
		return nil, err
	}
	p.Warning = c.resendWarning(&p.Task)
	return p, nil
}

// resendWarning says what speaks against sending a message once more.
func (c *call) resendWarning(t *service.TaskDetail) string {
	switch t.Phase {
	case dispatchapy.PhaseSending:
		return c.t("It is being sent at this moment. Wait for the outcome.")
	case dispatchapy.PhaseDelivered:
		return c.t("It was delivered. Whoever gets it would get it twice.")
	case dispatchapy.PhaseQueued, dispatchapy.PhaseRetrying, dispatchapy.PhaseWaiting:
		return c.t("It is pending and will be sent by itself. Stop it first, or it arrives twice.")
	}
	if n := len(t.Resent); n > 0 {
		return c.t("It was sent again as task #{id} already.", "id", t.Resent[n-1])
	}
	return ""
}

// finishResend adds the preview and shows the page.
func (ui *UI) finishResend(c *call, p *resendPage, payload []byte, status int) error {
	preview, err := ui.service.PreviewTask(c.ctx(), c.who, p.Task.ID, payload)
	switch {
	case dispatchapy.ErrorCode(err) == dispatchapy.CodeConflict:
		p.Form.Message = c.said(err) // its endpoint is gone
	case err != nil:
		return err
	default:
		if p.Held() {
			preview.Hold = "" // it is let go at once
		}
		p.Preview = c.previewView(preview, p.Form.Value("resource"))
		for _, r := range p.Preview.Routes {
			p.Resources = append(p.Resources, Option{Value: r.Resource, Label: r.Resource})
		}
	}
	p.Resources = append([]Option{{Label: c.t("All of the endpoint, in order")}}, p.Resources...)
	title := c.t("Send #{id} again", "id", strconv.FormatInt(p.Task.ID, 10))
	if p.Held() {
		title = c.t("Edit #{id} and release it", "id", strconv.FormatInt(p.Task.ID, 10))
	}
	return c.showStatus(status, "task_resend", title, p)
}

// previewView makes a preview to be shown.
func (c *call) previewView(preview service.Preview, only string) *previewView {
	preview.Detail, preview.Hold = c.lang.Said(preview.Detail), c.lang.Said(strings.TrimPrefix(preview.Hold, "held: "))
	view := &previewView{Preview: preview, Only: only, Secret: !c.ui.service.ReadsProviders(c.who)}
	for i, route := range preview.Routes {
		r := routeView{PreviewRoute: route, Place: i + 1, Chosen: route.Resource == preview.Chosen && (only == "" || only == route.Resource)}
		if only != "" {
			r.Chosen = route.Resource == only && route.Request != nil
		}
		r.Refusal, r.Fields = c.lang.Said(route.Refusal), c.saidFaults(route.Fields)
		if route.Reason != "" {
			r.Why = c.reason(string(route.Reason))
		}
		if route.Request != nil {
			r.Body = jsonText(route.Request.Body)
		}
		view.Routes = append(view.Routes, r)
	}
	return view
}

// resendTask sends the message, or shows what would be sent.
func (ui *UI) resendTask(c *call) error {
	p, err := ui.resendPage(c)
	if err != nil {
		return err
	}
	p.Form = c.form()
	payload := payloadOf(p.Form.Value("payload"), p.Task.Source)
	if p.Form.Do() == "preview" {
		return ui.finishResend(c, p, payload, http.StatusOK)
	}
	created, err := ui.service.ResendTask(c.ctx(), c.who, p.Task.ID, service.ResendInput{
		Payload: payload, Resource: p.Form.Value("resource"), Confirm: p.Form.On("confirm"),
	})
	if err == nil {
		if p.Held() {
			c.done("Released as the new task #{id}.", "id", strconv.FormatInt(created.ID, 10))
		} else {
			c.done("Sent again as the new task #{id}.", "id", strconv.FormatInt(created.ID, 10))
		}
		return c.redirect(taskPath(created.ID, query{}))
	}
	if !p.Form.Take(err) {
		return err
	}
	return ui.finishResend(c, p, payload, statusOf[dispatchapy.ErrorCode(err)])
}

// payloadOf gives what somebody wrote in place of a payload; nil if it is the
// same, so that not even its white space changes.
func payloadOf(written string, source []byte) []byte {
	written = strings.ReplaceAll(written, "\r\n", "\n")
	if strings.TrimSpace(written) == strings.TrimSpace(jsonText(source)) {
		return nil
	}
	return []byte(written)
}
