package apidocs

import (
	"strings"

	"dispatchapy/internal/routing"
)

// Description is what a sender needs to know of an endpoint, to be laid out by
// whoever shows it. It says the same as the OpenAPI document.
type Description struct {
	ID         int64
	Path       string // of the endpoint
	CallPath   string // of the URL, escaped
	Summary    string // one line
	Text       string // the whole description; "" if it says no more than the summary
	MaxBody    int64  // bytes
	Parameters []Parameter
	Example    []byte // a message that is accepted, as indented JSON
}

// Parameter is a key that an endpoint demands.
type Parameter struct {
	Name    string
	Types   []string // of JSON; empty: any
	About   string   // "" where the name has to say it
	Example string   // JSON on one line
}

// Describe describes an endpoint.
func Describe(endpoint *routing.Endpoint) Description {
	parameters := parametersOf(endpoint.Endpoint)
	d := Description{
		ID: endpoint.ID, Path: endpoint.Path, CallPath: callPath(endpoint.Path), Summary: summary(endpoint.Endpoint), MaxBody: endpoint.MaxBody,
		Example: indentedJSON.append(nil, exampleMessage(parameters), 0),
	}
	if text := strings.TrimSpace(endpoint.Description); text != d.Summary {
		d.Text = text
	}
	for _, p := range parameters {
		described := Parameter{Name: p.name, Example: compactJSON.text(p.example, 0)}
		for _, m := range p.schema {
			switch value := m.value.(type) {
			case string:
				switch m.key {
				case "type":
					described.Types = []string{value}
				case "description":
					described.About = value
				}
			case []any:
				if m.key == "type" {
					for _, t := range value {
						described.Types = append(described.Types, t.(string))
					}
				}
			}
		}
		d.Parameters = append(d.Parameters, described)
	}
	return d
}
