package webui

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

var emailSection = &section{name: "email", fill: fillEmail, read: readEmail}

func fillEmail(f *Form, s *dispatchapy.Settings) {
	f.SetOn("smtp", s.SMTP != nil)
	server := s.SMTP
	if server == nil {
		server = &dispatchapy.SMTP{Port: dispatchapy.DefaultSMTPPort, Encryption: dispatchapy.EncryptionSTARTTLS}
	}
	f.Set("smtp.host", server.Host)
	f.Set("smtp.port", strconv.Itoa(server.Port))
	f.Set("smtp.username", server.Username)
	f.Set("smtp.from", server.From)
	f.Set("smtp.encryption", string(server.Encryption))
}

func readEmail(f *Form) func(*dispatchapy.Settings) {
	server := f.mailServer()
	return func(s *dispatchapy.Settings) {
		if !f.On("smtp") {
			s.SMTP = nil
			return
		}
		edited := *server
		if f.keepsPassword() && s.SMTP != nil {
			edited.Password = s.SMTP.Password // masked: it stays what it is
		}
		s.SMTP = &edited
	}
}

// keepsPassword reports whether the stored password is meant: the field is
// never filled in, so that an empty one says nothing.
func (f *Form) keepsPassword() bool { return f.Value("smtp.password") == "" && !f.On("smtp.forget") }

// mailServer reads the mail server of a form. Without a port it gets the usual
// one of its encryption.
func (f *Form) mailServer() *dispatchapy.SMTP {
	server := &dispatchapy.SMTP{
		Host:       strings.TrimSpace(f.Value("smtp.host")),
		Username:   f.Value("smtp.username"),
		Password:   dispatchapy.Secret(f.Value("smtp.password")),
		From:       strings.TrimSpace(f.Value("smtp.from")),
		Encryption: dispatchapy.Encryption(f.Value("smtp.encryption")),
	}
	if f.On("smtp") {
		server.Port = f.Whole("smtp.port")
	}
	if server.Port == 0 && server.Encryption == dispatchapy.EncryptionTLS {
		server.Port = 465
	}
	return server
}

// mailResult is how the test of a mail server ended, or why it was not made.
type mailResult struct {
	Done   bool
	OK     bool
	Detail string
	Took   time.Duration
	Faults []dispatchapy.FieldError
}

// saveEmail saves the mail server, or tries it as it stands in the form.
func (ui *UI) saveEmail(c *call) error {
	form := c.form()
	switch form.Do() {
	case "test", "send":
		result, err := ui.testMail(c, form)
		if err != nil {
			return err
		}
		return ui.sectionForm(c, emailSection, form, result)
	}
	return ui.saveSection(emailSection)(c)
}

func (ui *UI) testMail(c *call, form *Form) (*mailResult, error) {
	stored, err := ui.service.Settings(c.ctx(), c.who)
	if err != nil {
		return nil, err
	}
	in := service.MailTestInput{Server: *form.mailServer()}
	if form.Failed() {
		return &mailResult{Faults: form.Faults}, nil
	}
	if form.keepsPassword() && stored.SMTP != nil {
		in.Server.Password = stored.SMTP.Password
	}
	if form.Do() == "send" {
		if in.To = strings.TrimSpace(form.Value("to")); in.To == "" {
			form.Refuse("to", "say who gets the test mail")
			return &mailResult{Faults: form.Faults}, nil
		}
	}
	test, err := ui.service.TestMail(c.ctx(), c.who, in)
	var known *dispatchapy.Error
	switch {
	case err == nil:
		return &mailResult{Done: true, OK: test.OK, Detail: test.Detail, Took: test.Duration}, nil
	case !errors.As(err, &known) || known.Code == dispatchapy.CodeInternal:
		return nil, err
	}
	for _, fault := range known.Fields {
		if fault.Path != "to" {
			fault.Path = "smtp." + fault.Path
		}
		form.takeFault(fault.Path, fault)
	}
	result := &mailResult{Faults: form.Faults}
	if len(known.Fields) == 0 {
		result.Detail, result.Done = c.lang.Said(known.Message), true
		form.Message = c.lang.Said(known.Message)
	}
	return result, nil
}
