package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// UserDocumentPath is where everybody finds the OpenAPI document of what they
// may call. It is the one operation of the API outside of /v1/.
const UserDocumentPath = "/openapi-user.json"

const typeOpenAPI = "application/openapi+json"

// Origin is the input of an operation that has to know how the gateway was
// reached.
type Origin struct{ url string }

// Resolve implements huma.Resolver.
func (o *Origin) Resolve(ctx huma.Context) []error {
	scheme := "http"
	if ctx.TLS() != nil {
		scheme = "https"
	}
	o.url = scheme + "://" + ctx.Host()
	return nil
}

type sample struct {
	Language string `json:"language" example:"go"`
	Label    string `json:"label" doc:"For people" example:"Go"`
	Code     string `json:"code"`
}

// sampleList is no page: there is a handful of languages.
type sampleList struct {
	TokenVariable string   `json:"token_variable" doc:"The environment variable from which the programs take the token"`
	Items         []sample `json:"items"`
}

func (a *api) registerDocumentation() {
	type output struct {
		ContentType string `header:"Content-Type" hidden:"true"`
		Body        []byte
	}
	op := operation(http.MethodGet, UserDocumentPath, "get-user-document", "documentation", "Get the OpenAPI document of the endpoints that you may call")
	op.Responses = map[string]*huma.Response{"200": {
		Description: "An OpenAPI 3.1 document",
		Content:     map[string]*huma.MediaType{typeOpenAPI: {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}},
	}}
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, _ *struct{}) (*output, error) {
		document, err := a.service.Documentation(ctx, p)
		return &output{ContentType: typeOpenAPI, Body: document}, err
	})
	type samplesInput struct {
		ByID
		Origin
	}
	register(a, operation(http.MethodGet, "/v1/endpoints/{id}/samples", "list-samples", "documentation", "Get programs that send a message to an endpoint"),
		func(ctx context.Context, p dispatchapy.Principal, in *samplesInput) (*answer[sampleList], error) {
			found, err := a.service.Samples(ctx, p, in.ID, in.url)
			return &answer[sampleList]{newSampleList(found)}, err
		})
}

func newSampleList(found []service.Sample) sampleList {
	out := sampleList{TokenVariable: service.TokenVariable, Items: make([]sample, len(found))}
	for i, s := range found {
		out.Items[i] = sample{Language: s.Language, Label: s.Label, Code: s.Code}
	}
	return out
}
