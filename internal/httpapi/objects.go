package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/service"
)

// typeMergePatch is the body of a PATCH. Plain JSON is taken as well.
const typeMergePatch = "application/merge-patch+json"

// maxObject bounds the body of one configuration object, in bytes.
const maxObject = 4 << 20

// sent is an object as it is sent.
type sent interface{ identity() (id, version int64) }

// noun is what a kind of configuration object needs to get its routes. O is
// the object as it is sent.
type noun[O sent] struct {
	path string // /v1/resources
	name string // resource
	tag  string

	get       func(ctx context.Context, p dispatchapy.Principal, id int64) (O, error)
	create    func(ctx context.Context, p dispatchapy.Principal, b *objectBody) (O, error)
	replace   func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (O, error)
	merge     func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (O, error)
	duplicate func(ctx context.Context, p dispatchapy.Principal, id int64) (O, error)
	impact    func(ctx context.Context, p dispatchapy.Principal, id int64) (service.Impact, error)
	remove    func(ctx context.Context, p dispatchapy.Principal, id int64, expect *int64, confirm bool) error

	shown []string // keys that are only shown: sent back they change nothing
}

// JSONBody is the input of an operation that reads its body itself. It is
// exported because huma looks for parameters in no others.
type JSONBody struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/json"`
}

// IfMatch names the version on which a change is based.
type IfMatch struct {
	IfMatch string `header:"If-Match" maxLength:"100" doc:"The version on which the change is based, as in the ETag of the object"`
}

// objectOutput is an object with its version as the entity tag.
type objectOutput[O sent] struct {
	ETag string `header:"ETag" doc:"The version of the object, for If-Match"`
	Body O
}

// createdOutput is a new object and where it is.
type createdOutput[O sent] struct {
	ETag     string `header:"ETag" doc:"The version of the object, for If-Match"`
	Location string `header:"Location"`
	Body     O
}

// impact says what a deletion would do.
type impact struct {
	Version      int64    `json:"version" doc:"To be named in If-Match by a confirmed deletion"`
	InUse        bool     `json:"in_use" doc:"Deleting needs confirm=true"`
	Endpoints    []string `json:"endpoints" doc:"Of a resource: those that use it; of a client: those it may post to"`
	Clients      []string `json:"clients" doc:"Of an endpoint: those that may post to it"`
	Stranded     []string `json:"stranded" doc:"Endpoints left without any resource"`
	WaitingTasks int      `json:"waiting_tasks" doc:"Pending and running tasks that lose their last route"`
}

func newImpact(i *service.Impact) *impact {
	return &impact{
		Version:      i.Version,
		InUse:        i.InUse(),
		Endpoints:    emptyIfNil(i.Endpoints),
		Clients:      emptyIfNil(i.Clients),
		Stranded:     emptyIfNil(i.Stranded),
		WaitingTasks: i.WaitingTasks,
	}
}

// registerNoun adds the routes that every kind of configuration object has.
func registerNoun[O sent](a *api, n *noun[O], body *huma.RequestBody) {
	registerReading(a, n)
	registerCreating(a, n, body)
	registerChanging(a, n, http.MethodPut, "update", "Replace "+article(n.name), body, n.replace)
	registerChanging(a, n, http.MethodPatch, "patch", "Change "+article(n.name)+" by a JSON merge patch", asMergePatch(body), n.merge)
	registerDeleting(a, n)
}

func registerReading[O sent](a *api, n *noun[O]) {
	register(a, operation(http.MethodGet, n.path+"/{id}", "get-"+n.name, n.tag, "Get "+article(n.name)),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*objectOutput[O], error) {
			object, err := n.get(ctx, p, in.ID)
			return &objectOutput[O]{ETag: etagOf(object), Body: object}, err
		})
	register(a, operation(http.MethodGet, n.path+"/{id}/impact", n.name+"-impact", n.tag, "Say what deleting "+article(n.name)+" would do"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*answer[impact], error) {
			found, err := n.impact(ctx, p, in.ID)
			return &answer[impact]{*newImpact(&found)}, err
		})
}

func registerCreating[O sent](a *api, n *noun[O], body *huma.RequestBody) {
	created := func(object O, err error) (*createdOutput[O], error) {
		id, _ := object.identity()
		return &createdOutput[O]{ETag: etagOf(object), Location: fmt.Sprintf("%s/%d", n.path, id), Body: object}, err
	}
	type input struct{ JSONBody }
	op := objectOperation(http.MethodPost, n.path, "create-"+n.name, n.tag, "Create "+article(n.name), body)
	op.DefaultStatus = http.StatusCreated
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *input) (*createdOutput[O], error) {
		b, err := in.read("", 0, n.shown)
		if err != nil {
			return nil, err
		}
		return created(n.create(ctx, p, b))
	})
	op.RequestBody.Content = body.Content

	copying := operation(http.MethodPost, n.path+"/{id}/duplicate", "duplicate-"+n.name, n.tag, "Duplicate "+article(n.name))
	copying.DefaultStatus = http.StatusCreated
	register(a, copying, func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*createdOutput[O], error) {
		return created(n.duplicate(ctx, p, in.ID))
	})
}

func registerChanging[O sent](a *api, n *noun[O], method, verb, summary string, body *huma.RequestBody,
	change func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (O, error),
) {
	registerChange(a, objectOperation(method, n.path+"/{id}", verb+"-"+n.name, n.tag, summary, body), n.shown, change)
}

// registerChange adds an operation that changes an object and answers with it.
func registerChange[O sent](a *api, op huma.Operation, shown []string,
	change func(ctx context.Context, p dispatchapy.Principal, id int64, b *objectBody) (O, error),
) {
	type input struct {
		ByID
		IfMatch
		JSONBody
	}
	content := maps.Clone(op.RequestBody.Content)
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *input) (*objectOutput[O], error) {
		b, err := in.read(in.IfMatch.IfMatch, in.ID, shown)
		if err != nil {
			return nil, err
		}
		object, err := change(ctx, p, in.ID, b)
		return &objectOutput[O]{ETag: etagOf(object), Body: object}, err
	})
	op.RequestBody.Content = content // huma made bytes of what RawBody stands for
}

func registerDeleting[O sent](a *api, n *noun[O]) {
	type input struct {
		ByID
		IfMatch
		Confirm bool `query:"confirm" doc:"Delete although it is in use; If-Match has to name the version of the impact"`
	}
	register(a, operation(http.MethodDelete, n.path+"/{id}", "delete-"+n.name, n.tag, "Delete "+article(n.name)),
		func(ctx context.Context, p dispatchapy.Principal, in *input) (*struct{}, error) {
			expect, err := parseTag(in.IfMatch.IfMatch)
			if err != nil {
				return nil, err
			}
			return nil, n.remove(ctx, p, in.ID, expect, in.Confirm)
		})
}

// objectOperation is an operation whose body is read here and not by huma: the
// rules of the gateway file hold, with their messages.
func objectOperation(method, path, id, tag, summary string, body *huma.RequestBody) huma.Operation {
	op := operation(method, path, id, tag, summary)
	op.SkipValidateBody = true
	op.MaxBodyBytes = maxObject
	op.RequestBody = &huma.RequestBody{Description: body.Description, Required: true, Content: maps.Clone(body.Content)}
	return op
}

func article(noun string) string {
	if strings.HasPrefix(noun, "e") {
		return "an " + noun
	}
	return "a " + noun
}

// objectBody is the body of a change of an object.
type objectBody struct {
	*gatewayfile.Object
	expect *int64 // nil: the request does not say which version it is based on
}

// read reads a body. What an object has besides the keys of the gateway file
// is taken off: an object may be sent back as it was got.
func (in *JSONBody) read(ifMatch string, id int64, shown []string) (*objectBody, error) {
	if err := checkJSON(in.ContentType); err != nil {
		return nil, err
	}
	object, err := gatewayfile.ParseObject(in.RawBody)
	if err != nil {
		return nil, err
	}
	expect, err := parseTag(ifMatch)
	if err != nil {
		return nil, err
	}
	for _, name := range shown {
		object.Take(name)
	}
	b := &objectBody{Object: object, expect: expect}
	var given struct{ id, version *int64 }
	if err := b.take("id", &given.id); err != nil {
		return nil, err
	}
	if err := b.take("version", &given.version); err != nil {
		return nil, err
	}
	if given.id != nil && *given.id != id {
		return nil, fieldFault("id", "is given by the gateway: leave it out, or as it is")
	}
	switch {
	case b.expect == nil:
		b.expect = given.version
	case given.version != nil && *given.version != *b.expect:
		return nil, fieldFault("version", "is not the one of the header If-Match: give one of them")
	}
	return b, nil
}

// take reads a key that is not a part of the gateway file; target stays as it
// is if the key is absent.
func (b *objectBody) take(name string, target any) error {
	value := b.Take(name)
	if value == nil {
		return nil
	}
	if json.Unmarshal(value, target) != nil {
		return fieldFault(name, "has the wrong type")
	}
	return nil
}

// only refuses all keys but these.
func (b *objectBody) only(names ...string) error {
	for _, key := range b.Keys() {
		if !slices.Contains(names, key) {
			return fieldFault(key, "the key is not known here: use one of "+strings.Join(names, ", "))
		}
	}
	return nil
}

func checkJSON(header string) error {
	if header == "" {
		return nil
	}
	contentType, _, err := mime.ParseMediaType(header)
	if err == nil && (contentType == typeJSON || contentType == typeMergePatch) {
		return nil
	}
	return dispatchapy.Errorf(dispatchapy.CodeUnsupportedType, "send the body as application/json")
}

func fieldFault(path, message string) error {
	return &dispatchapy.Error{
		Code:    dispatchapy.CodeInvalid,
		Message: "the request is not valid",
		Fields:  []dispatchapy.FieldError{{Path: path, Message: message}},
	}
}

// etag writes a version as an entity tag.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

func etagOf(object sent) string {
	_, version := object.identity()
	return etag(version)
}

// parseTag reads the header If-Match; nil if there is none. Proxies that
// compress make tags weak, which changes nothing for us.
func parseTag(header string) (*int64, error) {
	if header == "" {
		return nil, nil
	}
	text := strings.Trim(strings.TrimPrefix(header, "W/"), `"`)
	version, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fieldFault("If-Match", `must be one version, as in the ETag of the object: "12"`)
	}
	return &version, nil
}

// asSent is an object of a conflict: in the shape of the gateway file, so that
// both sides can be compared, with id and version. nil for nil.
func asSent(o any) object {
	switch o := o.(type) {
	case dispatchapy.Resource:
		return withIdentity(&o, o.ID, o.Version)
	case dispatchapy.Endpoint:
		return withIdentity(&o, o.ID, o.Version)
	case dispatchapy.Client:
		return withIdentity(&o, o.ID, o.Version)
	case dispatchapy.Settings:
		return withIdentity(&o, 0, o.Version)
	case user, token:
		text, err := json.Marshal(o)
		if err == nil {
			return text
		}
	}
	return nil
}

// withIdentity encodes an object with its id (0: it has none) and version.
// Failure policy: one that cannot be encoded is left out; the conflict is
// reported all the same.
func withIdentity[T gatewayfile.Objects](object *T, id, version int64) object {
	text, err := gatewayfile.EncodeObject(object)
	if err != nil || len(text) < len("{}") {
		return nil
	}
	head := fmt.Sprintf(`{"version":%d`, version)
	if id != 0 {
		head = fmt.Sprintf(`{"id":%d,"version":%d`, id, version)
	}
	if string(text) != "{}" {
		head += ","
	}
	return append([]byte(head), text[1:]...)
}

// inputs describes the bodies of configuration objects in the OpenAPI
// document: the keys of the gateway file, none of which has to be given.
func (a *api) inputs(t reflect.Type, description string, more map[string]*huma.Schema) *huma.RequestBody {
	whole := &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
	all := map[string]*huma.Schema{"id": whole, "version": whole}
	maps.Copy(all, more)
	return a.bareInputs(t, description, all)
}

// bareInputs is inputs for what has neither id nor version.
func (a *api) bareInputs(t reflect.Type, description string, more map[string]*huma.Schema) *huma.RequestBody {
	registry := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		return huma.DefaultSchemaNamer(t, hint) + "Input"
	})
	ref := registry.Schema(t, true, "")
	for name, schema := range registry.Map() {
		schema.Required = nil
		a.huma.OpenAPI().Components.Schemas.Map()[name] = schema
	}
	maps.Copy(registry.SchemaFromRef(ref.Ref).Properties, more)
	return &huma.RequestBody{Description: description, Required: true, Content: map[string]*huma.MediaType{typeJSON: {Schema: ref}}}
}

// asMergePatch describes the same body as a patch.
func asMergePatch(body *huma.RequestBody) *huma.RequestBody {
	schema := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true,
		Description: "The keys to change, as in " + strings.TrimPrefix(body.Content[typeJSON].Schema.Ref, "#/components/schemas/") +
			"; null gives a key its default again"}
	content := map[string]*huma.MediaType{}
	for _, contentType := range []string{typeJSON, typeMergePatch} {
		content[contentType] = &huma.MediaType{Schema: schema}
	}
	return &huma.RequestBody{Description: "A JSON merge patch (RFC 7396)", Required: true, Content: content}
}
