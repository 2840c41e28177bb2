package httpapi

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"

	"dispatchapy"
	"dispatchapy/internal/service"
)

const (
	maxConfig   = 16 << 20 // bytes of a gateway file
	configPath  = "/v1/config"
	typeJSON    = "application/json"
	typeYAML    = "application/yaml"
	defaultFile = "request body" // how messages call a file that was sent without its name
)

// yamlTypes are the names that YAML goes by.
var yamlTypes = []string{typeYAML, "application/x-yaml", "text/yaml", "text/x-yaml", "text/vnd.yaml"}

// applyResult says what applying changed, or would change.
type applyResult struct {
	Version  int64                    `json:"version" doc:"Of the configuration now in force"`
	DryRun   bool                     `json:"dry_run"`
	Changes  []change                 `json:"changes"`
	Warnings []dispatchapy.FieldError `json:"warnings" doc:"What the file has that is allowed but probably not meant"`
}

type change struct {
	Kind   string             `json:"kind" enum:"settings,resource,endpoint,client"`
	Name   string             `json:"name"`
	Action string             `json:"action" enum:"create,update,delete"`
	Fields []string           `json:"fields" doc:"The keys that differ"`
	Token  dispatchapy.Secret `json:"token,omitempty" doc:"Of a new client for which none was given. It is shown this once"`
}

func (a *api) registerConfig() {
	a.registerExport()
	a.registerApply()
}

func (a *api) registerExport() {
	type input struct {
		Accept  string `header:"Accept" hidden:"true"`
		Secrets string `query:"secrets" enum:"plain,masked" default:"plain" doc:"masked: hidden, so that the file can be shown; applied where it came from they stay what they are"`
	}
	type output struct {
		ContentType string `header:"Content-Type" hidden:"true"`
		Body        []byte
	}
	op := operation(http.MethodGet, configPath, "export-config", "config", "Get the whole configuration as a gateway file")
	op.Description = "It holds secrets unless they are masked, but of client tokens only the hashes."
	op.Responses = map[string]*huma.Response{"200": {Description: "The gateway file", Content: gatewayFile()}}
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *input) (*output, error) {
		contentType, format := typeJSON, service.FormatJSON
		if slices.Contains(yamlTypes, negotiation.SelectQValueFast(in.Accept, append([]string{typeJSON}, yamlTypes...))) {
			contentType, format = typeYAML, service.FormatYAML
		}
		body, err := a.service.ExportConfig(ctx, p, service.ExportOptions{Format: format, Masked: in.Secrets == "masked"})
		return &output{ContentType: contentType, Body: body}, err
	})
}

func (a *api) registerApply() {
	type input struct {
		Prune       bool   `query:"prune" doc:"Delete what is absent from the file"`
		DryRun      bool   `query:"dry_run" doc:"Say what would change, and change nothing"`
		File        string `query:"file" maxLength:"4096" doc:"Name of the file, for messages"`
		ContentType string `header:"Content-Type" hidden:"true"`
		RawBody     []byte `contentType:"application/yaml"`
	}
	op := operation(http.MethodPut, configPath, "apply-config", "config", "Apply a gateway file")
	op.Description = "All or nothing. Objects are matched by name; what is absent stays unless prune is given. " +
		"Applying the same file again changes nothing."
	op.SkipValidateBody = true      // the service reads it
	op.MaxBodyBytes = maxConfig + 1 // huma refuses what is this long
	op.BodyReadTimeout = time.Minute
	op.RequestBody = &huma.RequestBody{Description: "The gateway file", Required: true, Content: gatewayFile()}
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *input) (*answer[applyResult], error) {
		if err := checkFileType(in.ContentType); err != nil {
			return nil, err
		}
		name := in.File
		if name == "" {
			name = defaultFile
		}
		// The body is huma's buffer, which is used again after the answer.
		result, err := a.service.Apply(ctx, p, name, slices.Clone(in.RawBody), service.ApplyOptions{Prune: in.Prune, DryRun: in.DryRun})
		if err != nil {
			return nil, err
		}
		return &answer[applyResult]{newApplyResult(result, in.DryRun)}, nil
	})
	op.RequestBody.Content = gatewayFile() // huma made bytes of the one that RawBody stands for
}

// gatewayFile describes a body that is a gateway file. Its keys are described
// in the documentation: here they would be in the way of checking it as a
// file, with lines.
func gatewayFile() map[string]*huma.MediaType {
	schema := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true,
		Description: "version, settings, resources, endpoints and clients as in a gateway file"}
	return map[string]*huma.MediaType{typeJSON: {Schema: schema}, typeYAML: {Schema: schema}}
}

// checkFileType refuses bodies that are said to be something else. JSON is
// YAML, so that the two need not be told apart.
func checkFileType(header string) error {
	if header == "" {
		return nil
	}
	contentType, _, err := mime.ParseMediaType(header)
	if err == nil && (contentType == typeJSON || slices.Contains(yamlTypes, contentType)) {
		return nil
	}
	return dispatchapy.Errorf(dispatchapy.CodeUnsupportedType, "send the gateway file as application/json or application/yaml")
}

func newApplyResult(r service.ApplyResult, dryRun bool) applyResult {
	out := applyResult{Version: r.Version, DryRun: dryRun, Changes: make([]change, len(r.Changes)), Warnings: emptyIfNil(r.Warnings)}
	for i, c := range r.Changes {
		out.Changes[i] = change{
			Kind:   string(c.Kind),
			Name:   c.Name,
			Action: string(c.Action),
			Fields: emptyIfNil(c.Fields),
			Token:  c.Token,
		}
	}
	return out
}
