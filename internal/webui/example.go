package webui

import (
	"slices"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// exampleView is an example of a message with what is in it.
type exampleView struct {
	Text  string
	Keys  []exampleKey
	Paths []string // that a mapping can read
}

// exampleKey is a key of the example.
type exampleKey struct {
	Name string
	Used bool // the resource that is being worked on gets something of it
}

// Unused lists the keys that go nowhere.
func (e *exampleView) Unused() []string {
	var names []string
	for _, k := range e.Keys {
		if !k.Used {
			names = append(names, k.Name)
		}
	}
	return names
}

func readExample(f *Form) exampleView {
	e := exampleView{Text: f.Value("example"), Paths: pathsOf([]byte(f.Value("example")))}
	for _, m := range membersOf([]byte(e.Text)) {
		e.Keys = append(e.Keys, exampleKey{Name: m.Key})
	}
	return e
}

// markUsed says which keys a mapping reads. One that is empty passes
// everything on.
func (e *exampleView) markUsed(m dispatchapy.Mapping) {
	var read []string
	for _, source := range m {
		if source.From != "" {
			read = append(read, source.From)
		}
		for part := range strings.SplitSeq(source.Template, "{{") {
			if name, _, closed := strings.Cut(part, "}}"); closed {
				read = append(read, strings.TrimSpace(name))
			}
		}
	}
	for i := range e.Keys {
		name := e.Keys[i].Name
		e.Keys[i].Used = len(m) == 0 || slices.ContainsFunc(read, func(path string) bool { return path == name || strings.HasPrefix(path, name+".") })
	}
}

// fillExample takes an example from the latest task, or else from the
// documentation.
func (c *call) fillExample(p *endpointPage, from string) error {
	if from == "task" {
		source, err := c.latestSource(p.E.Path)
		if err != nil || source != nil {
			p.Form.Set("example", indentJSON(source))
			return err
		}
	}
	example, err := c.ui.service.ExampleMessage(c.ctx(), c.who, p.E.ID)
	p.Form.Set("example", string(example))
	return err
}

// latestSource gives the message that came to an endpoint last; nil if there is
// none any more.
func (c *call) latestSource(path string) ([]byte, error) {
	found, err := c.ui.service.ListTasks(c.ctx(), c.who, service.TaskFilter{Endpoints: []string{path}}, service.PageRequest{Limit: 1})
	if err != nil || len(found.Items) == 0 {
		return nil, err
	}
	task, err := c.ui.service.Task(c.ctx(), c.who, found.Items[0].ID)
	if dispatchapy.ErrorCode(err) == dispatchapy.CodeNotFound {
		return nil, nil // deleted in between
	}
	return task.Source, err
}
