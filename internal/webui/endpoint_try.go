package webui

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// endpointTry is the tab that sends a real message, as a client would, and
// shows how it fares; with samples for those who write clients.
type endpointTry struct {
	endpointPage
	Senders []Option
	Fields  []tryField
	JSON    bool // the message is written as JSON, and not field by field
	Samples []service.Sample
	Sent    *taskPage // the task that it became; nil: nothing was sent
}

// tryField is a key of the message.
type tryField struct {
	Place    int
	Name     string
	Required bool
	Text     bool // its value is text, and not any JSON
}

// List names the fields in the form.
func (tryField) List() string { return tryList }

const tryList = "message"

// Final reports whether the task has come to its end.
func (p *endpointTry) Final() bool {
	return p.Sent == nil || p.Sent.Task.Status.Finished() || p.Sent.Task.Status == dispatchapy.StatusHeld
}

// SentPath is the address at which the task is looked at again.
func (p *endpointTry) SentPath() string {
	return p.Own("try") + "?task=" + strconv.FormatInt(p.Sent.Task.ID, 10)
}

func (ui *UI) showTry(c *call) error {
	p, err := c.openTry()
	if err != nil {
		return err
	}
	example, err := ui.service.ExampleMessage(c.ctx(), c.who, p.E.ID)
	if err != nil {
		return err
	}
	p.Form = c.newForm(url.Values{})
	p.Form.setMessage(example)
	if len(p.Senders) > 0 {
		p.Form.Set("client", p.Senders[0].Value)
	}
	if id, err := strconv.ParseInt(c.query("task"), 10, 64); err == nil {
		if err := c.lookAt(p, id); err != nil {
			return err
		}
		p.Form.setMessage(p.Sent.Task.Source)
		p.Form.Set("client", p.Sent.Task.Client)
	}
	return c.try(p)
}

func (c *call) openTry() (*endpointTry, error) {
	p := &endpointTry{}
	var err error
	if p.endpointPage, err = c.openEndpoint("try"); err != nil {
		return p, err
	}
	for _, name := range p.E.Clients {
		p.Senders = append(p.Senders, Option{Value: name, Label: name})
	}
	p.Samples, err = c.ui.service.Samples(c.ctx(), c.who, p.E.ID, c.origin())
	return p, err
}

func (c *call) try(p *endpointTry) error {
	p.Form.Labels = map[string]string{"payload": c.t("Message"), "client": c.t("Client")}
	p.JSON = p.Form.Value("as") == "json"
	for i := range p.Form.Rows(tryList) {
		name := p.Form.Value(At(tryList, i, "name"))
		field := tryField{Place: i, Name: name, Text: p.Form.On(At(tryList, i, "text"))}
		for _, param := range p.E.RequiredParams {
			field.Required = field.Required || param == name
		}
		p.Fields = append(p.Fields, field)
		p.Form.Labels[At(tryList, i, "value")] = name
	}
	return c.showStatus(p.Form.Status(), "endpoint_try", c.t("Try {name}", "name", p.URL()), p)
}

// setMessage writes a message into the form, both ways.
func (f *Form) setMessage(message []byte) {
	f.takeRows(tryList)
	f.Set("payload", indentJSON(message))
	for i, m := range membersOf(message) {
		var text string
		isText := json.Unmarshal(m.Value, &text) == nil && string(m.Value) != "null" && !strings.ContainsAny(text, "\r\n\x00")
		f.Set(At(tryList, i, "name"), m.Key)
		f.SetOn(At(tryList, i, "text"), isText)
		f.Set(At(tryList, i, "value"), text)
		if !isText {
			f.Set(At(tryList, i, "value"), string(m.Value))
		}
	}
}

// message reads what is to be sent. Fields that are left empty are left out.
func (f *Form) message() []byte {
	if f.Value("as") == "json" {
		return []byte(lines(f.Value("payload")))
	}
	var members []string
	for i := range f.Rows(tryList) {
		text := f.Value(At(tryList, i, "value"))
		if text == "" {
			continue
		}
		value := jsonString(text)
		if !f.On(At(tryList, i, "text")) {
			if value = fromWords(text); brokenJSON(value) {
				f.Refuse(At(tryList, i, "value"), "is not valid JSON: put text in double quotes")
				continue
			}
		}
		members = append(members, string(jsonString(f.Value(At(tryList, i, "name"))))+":"+string(value))
	}
	return []byte("{" + strings.Join(members, ",") + "}")
}

// sendTry sends the message, or shows it in the other way.
func (ui *UI) sendTry(c *call) error {
	p, err := c.openTry()
	if err != nil {
		return err
	}
	p.Form = c.form()
	message := p.Form.message()
	if p.Form.Failed() {
		return c.try(p)
	}
	switch p.Form.Do() {
	case "json":
		p.Form.setMessage(message)
		p.Form.Set("as", "json")
		return c.try(p)
	case "fields":
		if membersOf(message) == nil {
			p.Form.refuseJSON("payload")
			return c.try(p)
		}
		p.Form.setMessage(message)
		p.Form.Set("as", "")
		return c.try(p)
	}
	receipt, err := ui.service.SendMessage(c.ctx(), c.who, p.E.ID, service.SendInput{Client: p.Form.Value("client"), Payload: message})
	if p.Form.Take(err) {
		return c.try(p)
	}
	if err != nil {
		return err
	}
	if err := c.lookAt(p, receipt.TaskID); err != nil {
		return err
	}
	if !c.htmx() {
		return c.redirect(p.SentPath())
	}
	return c.try(p)
}

// lookAt reads how a message fares.
func (c *call) lookAt(p *endpointTry, id int64) error {
	task, err := c.ui.service.Task(c.ctx(), c.who, id)
	if err != nil {
		return err
	}
	if task.EndpointID != p.E.ID {
		return errNowhere
	}
	p.Sent = &taskPage{Task: task, Way: c.ui.service.ReadsProviders(c.who)}
	p.Sent.addMoments(c)
	return nil
}
