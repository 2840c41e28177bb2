package webui

import (
	"errors"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// channelResult is how the test of a channel ended, or why it was not made.
type channelResult struct {
	OK        bool
	To, Title string // whom or where it was sent, and what
	Detail    string // what whoever took or refused it said
	Took      time.Duration
	Faults    []dispatchapy.FieldError
}

// tryChannel sends a test message through the channel as it stands in the form,
// saved or not, and shows what came of it.
func (ui *UI) tryChannel(c *call, p *channelPage) error {
	ch := &dispatchapy.Channel{}
	if p.Name != "" {
		stored, _, err := c.channel(p.Name)
		if err != nil {
			return err
		}
		ch = stored // with its secrets masked, which stand for those that are stored
	}
	p.Form.readChannel(ch, p.Kind)
	if p.Name != "" {
		ch.Name = p.Name
	}
	if p.Result = p.Form.unreadable(); p.Result == nil {
		tried, err := ui.service.TestAlert(c.ctx(), c.who, service.AlertTestInput{Channel: *ch})
		if p.Result, err = p.Form.takeTrial("", tried, err); err != nil {
			return err
		}
		p.Form.placeChannel()
	}
	return ui.channelPage(c, p)
}

// unreadable gives what is wrong with the form before anything is tried; nil if
// nothing is.
func (f *Form) unreadable() *channelResult {
	if !f.Failed() {
		return nil
	}
	f.placeChannel()
	return &channelResult{Faults: f.Faults}
}

// takeTrial words how a test ended. The channel's fields stand below a prefix in
// the form. Other errors are given back.
func (f *Form) takeTrial(prefix string, tried dispatchapy.AlertTest, err error) (*channelResult, error) {
	var known *dispatchapy.Error
	switch {
	case err == nil:
		return &channelResult{OK: tried.OK, To: tried.To, Title: tried.Title, Detail: tried.Detail, Took: tried.Duration}, nil
	case !errors.As(err, &known) || known.Code == dispatchapy.CodeInternal:
		return nil, err
	case len(known.Fields) == 0:
		return &channelResult{Detail: f.lang.Said(known.Message)}, nil
	}
	for _, fault := range known.Fields {
		f.takeFault(prefix+strings.TrimPrefix(fault.Path, "channel."), fault)
	}
	return &channelResult{Faults: f.Faults}, nil
}
