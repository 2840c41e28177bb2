package webui

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// resourceTrialPage sends one request to a resource on purpose, and shows all of
// it.
type resourceTrialPage struct {
	resourcePage
	Form  *Form
	Trial *service.Trial // nil: nothing was sent yet
}

// RequestText writes the request as it went over the wire, secrets masked.
func (p *resourceTrialPage) RequestText() string {
	r := &p.Trial.Request
	return r.Method + " " + r.URL + "\n" + headerText(r.Header)
}

// Body gives the body that was sent.
func (p *resourceTrialPage) Body() string { return indentJSON(p.Trial.Request.Body) }

// AnswerText writes status and headers of the answer.
func (p *resourceTrialPage) AnswerText() string {
	code := p.Trial.Answer.StatusCode
	return strings.TrimSpace("HTTP "+strconv.Itoa(code)+" "+http.StatusText(code)) + "\n" + headerText(p.Trial.Header)
}

// AnswerBody gives the body of the answer as text.
func (p *resourceTrialPage) AnswerBody() string {
	return indentJSON([]byte(strings.ToValidUTF8(string(p.Trial.Answer.Body), "\uFFFD")))
}

// headerText writes headers, a line for each.
func headerText(header map[string]string) string {
	lines := make([]string, 0, len(header))
	for _, name := range slices.Sorted(maps.Keys(header)) {
		lines = append(lines, name+": "+header[name])
	}
	return strings.Join(lines, "\n")
}

// trialState is what came of a test request.
func (w *words) trialState(outcome dispatchapy.AttemptOutcome) state {
	switch outcome {
	case dispatchapy.OutcomeDelivered:
		return w.state("ok", "Accepted")
	case dispatchapy.OutcomeRefused:
		return w.state("fail", "Refused")
	}
	return w.state("fail", "Failed")
}

func (ui *UI) showTrial(c *call) error {
	head, err := c.openResource("test")
	if err != nil {
		return err
	}
	form := c.newForm(nil)
	form.Set("payload", exampleOf(&head.R.Resource))
	return ui.trialPage(c, &resourceTrialPage{resourcePage: head, Form: form})
}

func (ui *UI) trialPage(c *call, p *resourceTrialPage) error {
	return c.showStatus(p.Form.Status(), "resource_trial", c.t("Test request: {name}", "name", p.R.Name), p)
}

// exampleOf assembles a body of a resource's keys and test values.
func exampleOf(r *dispatchapy.Resource) string {
	var found []leaf
	add := func(key string) {
		value := r.HealthCheck.TestValues[key]
		if !json.Valid(value) {
			value = jsonString("")
		}
		found = append(found, leaf{key, value})
	}
	for _, key := range r.RequiredParams {
		add(key)
	}
	for _, key := range slices.Sorted(maps.Keys(r.HealthCheck.TestValues)) {
		if !slices.Contains(r.RequiredParams, key) {
			add(key)
		}
	}
	return assembled(found)
}

// sendTrial sends the request. It is a real one: the page says so before.
func (ui *UI) sendTrial(c *call) error {
	head, err := c.openResource("test")
	if err != nil {
		return err
	}
	p := &resourceTrialPage{resourcePage: head, Form: c.form()}
	if p.Form.refuseJSON("payload") {
		return ui.trialPage(c, p)
	}
	trial, err := ui.service.TestResource(c.ctx(), c.who, p.R.ID, service.TrialInput{Payload: []byte(p.Form.Value("payload"))})
	switch {
	case err == nil:
		p.Trial = &trial
	case dispatchapy.ErrorCode(err) == dispatchapy.CodeLimited:
		p.Form.Message = c.said(err)
	case !p.Form.Take(err):
		return err
	}
	return ui.trialPage(c, p)
}
