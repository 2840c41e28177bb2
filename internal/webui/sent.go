package webui

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// sentView is what would be sent of an example, to each resource.
type sentView struct {
	Refused string // what the intake says against the example; "" if it takes it
	Faults  []dispatchapy.FieldError
	Rules   []service.Override // that replace something in it
	Routes  []sentRoute
	All     bool // all resources are shown, not only the one that is being worked on
}

// sentRoute is the request to one resource.
type sentRoute struct {
	Place   int
	Name    string
	Shown   bool
	Request *service.Request
	Lines   []bodyLine
	More    int    // lines that are not shown
	Exact   string // the body, byte for byte
	Missing []string
	LeftOut []leftOut
	Refusal string
	Fields  []dispatchapy.FieldError
	Through bool // there is no mapping: it gets the message as it came
}

// leftOut is a key of the mapping for which the example has nothing.
type leftOut struct{ Key, Source string }

// bodyLine is a line of a body.
type bodyLine struct {
	Path   string // of the key that it has; "" if none
	Text   string
	Marked string // stands in the place of a value that is another for every task
	After  string // what follows it
}

const maxBodyLines = 400

// sent makes the preview, of the mapping as it is written. Rows with faults are
// left out, so that the others can be seen.
func (c *call) sent(p *mappingPage, written map[string]dispatchapy.Mapping) (*sentView, error) {
	view := &sentView{All: p.Form.Value("view") == "all"}
	in := service.PreviewInput{Payload: []byte(lines(p.Form.Value("example"))), Mapping: written}
	preview, err := c.ui.service.PreviewMessage(c.ctx(), c.who, p.E.ID, in)
	var fault *dispatchapy.Error
	if errors.As(err, &fault) && fault.Code == dispatchapy.CodeInvalid {
		view.Faults = c.saidFaults(fault.Fields)
		in.Mapping = withoutFaults(written, fault.Fields)
		preview, err = c.ui.service.PreviewMessage(c.ctx(), c.who, p.E.ID, in)
	}
	if err != nil {
		return nil, err
	}
	if preview.Status != http.StatusOK {
		view.Refused = c.lang.Said(preview.Detail)
	}
	view.Rules = preview.Overrides
	for i := range preview.Routes {
		route := c.sentRoute(&preview.Routes[i], in.Mapping[preview.Routes[i].Resource])
		route.Place, route.Shown = i, view.All || i == p.Shown
		route.Missing = in.Mapping[route.Name].Missing(p.Required[route.Name])
		view.Routes = append(view.Routes, route)
	}
	if current := p.Form.resourceAt(p.Shown); current != "" {
		p.Example.markUsed(in.Mapping[current])
	}
	return view, nil
}

// withoutFaults leaves out the keys that something is wrong with.
func withoutFaults(written map[string]dispatchapy.Mapping, faults []dispatchapy.FieldError) map[string]dispatchapy.Mapping {
	out := make(map[string]dispatchapy.Mapping, len(written))
	for name, m := range written {
		out[name] = dispatchapy.Mapping{}
		for key, source := range m {
			path := "mapping." + name + "." + key
			if !slices.ContainsFunc(faults, func(f dispatchapy.FieldError) bool { return f.Path == path || strings.HasPrefix(f.Path, path+".") }) {
				out[name][key] = source
			}
		}
	}
	return out
}

func (c *call) sentRoute(r *service.PreviewRoute, m dispatchapy.Mapping) sentRoute {
	view := sentRoute{Name: r.Resource, Refusal: c.lang.Said(r.Refusal), Fields: c.saidFaults(r.Fields), Request: r.Request, Through: len(m) == 0}
	if r.Request == nil {
		return view
	}
	view.Exact = string(r.Request.Body)
	words := map[string]string{}
	for _, key := range r.Request.Volatile {
		words[key] = c.t("new for every task")
		if m[key].Now {
			words[key] = c.t("time of sending")
		}
	}
	view.Lines = bodyLines(r.Request.Body, words)
	view.More = max(0, len(view.Lines)-maxBodyLines)
	view.Lines = view.Lines[:len(view.Lines)-view.More]
	if !view.Through {
		view.LeftOut = leftOutOf(m, view.Lines)
	}
	return view
}

// leftOutOf lists the keys that the body does not have, because the example has
// nothing for them.
func leftOutOf(m dispatchapy.Mapping, body []bodyLine) []leftOut {
	there := make(map[string]bool, len(body))
	for _, line := range body {
		there[line.Path] = true
	}
	var out []leftOut
	for _, key := range mappingKeys(nil, m) {
		if m[key].From != "" && !there[key] {
			out = append(out, leftOut{key, m[key].From})
		}
	}
	return out
}

// bodyLines writes JSON a key per line, as indentJSON does. volatile has the
// words that stand for values which are others for every task, by dotted key.
func bodyLines(body []byte, volatile map[string]string) []bodyLine {
	var out []bodyLine
	var way []string // keys and indexes that lead to the line
	var index []int  // of the next item, by depth
	for text := range strings.SplitSeq(indentJSON(body), "\n") {
		trimmed := strings.TrimLeft(text, " ")
		depth := (len(text) - len(trimmed)) / 2
		line := bodyLine{Text: text}
		closes := trimmed != "" && (trimmed[0] == '}' || trimmed[0] == ']')
		for len(index) <= depth {
			index = append(index, 0)
		}
		if depth > 0 && depth <= len(way)+1 && !closes {
			key, value := splitKey(trimmed)
			name := key
			if value == trimmed { // an item of a list
				name = strconv.Itoa(index[depth])
				index[depth]++
			}
			way = append(way[:depth-1], name)
			index = append(index[:depth+1], 0)
			line.Path = strings.Join(way, ".")
			if mark := volatile[line.Path]; mark != "" && value != trimmed {
				line.Text, line.Marked = strings.TrimSuffix(text, value), mark
				if strings.HasSuffix(value, ",") {
					line.After = ","
				}
			}
		}
		out = append(out, line)
	}
	return out
}

// splitKey splits a line like "key": value. Of a line without a key everything
// is value.
func splitKey(line string) (key, value string) {
	if line == "" || line[0] != '"' {
		return "", line
	}
	end := 1
	for end < len(line) && line[end] != '"' {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	if end+1 > len(line) || !strings.HasPrefix(line[min(end+1, len(line)):], ": ") || json.Unmarshal([]byte(line[:end+1]), &key) != nil {
		return "", line
	}
	return key, line[end+3:]
}

// trialView is how a real test request ended.
type trialView struct {
	Resource string
	OK       bool
	Status   int
	Detail   string
	Took     time.Duration
	Answer   string
}

const maxAnswerShown = 16 << 10 // bytes

// sendTrial sends one real request to a resource, made of the example by the
// mapping as it is written.
func (c *call) sendTrial(p *mappingPage, name string) error {
	at := slices.IndexFunc(p.resources, func(r service.Resource) bool { return r.Name == name })
	if at < 0 {
		return nil
	}
	trial, err := c.ui.service.TestResource(c.ctx(), c.who, p.resources[at].ID, service.TrialInput{
		Endpoint: p.E.Path, Source: []byte(lines(p.Form.Value("example"))), Mapping: p.Form.mapping(p.Required, false),
	})
	if p.Form.Take(err) {
		p.Form.placeMappingFaults()
		for i := range p.Form.Faults {
			if p.Form.Faults[i].Path == "source" {
				p.Form.Faults[i].Path = "example"
			}
		}
		return nil
	}
	var fault *dispatchapy.Error
	if errors.As(err, &fault) && fault.Code != dispatchapy.CodeInternal {
		p.Form.Message = c.said(err)
		return nil
	}
	if err != nil {
		return err
	}
	a := &trial.Answer
	p.Trial = &trialView{
		Resource: name, OK: a.Outcome == dispatchapy.OutcomeDelivered, Status: a.StatusCode, Detail: c.lang.Said(a.Detail), Took: a.Duration,
		Answer: jsonText(a.Body[:min(len(a.Body), maxAnswerShown)]),
	}
	return nil
}
