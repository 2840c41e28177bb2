package service_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/service"
)

func setup() service.SetupInput {
	return service.SetupInput{
		Resource: dispatchapy.Resource{Name: "Acme", URL: "https://acme.example/sms", Headers: map[string]dispatchapy.Secret{"X-Key": `"hush"`}, RequiredParams: []string{"to", "text"}},
		Endpoint: dispatchapy.Endpoint{Path: "alerts", RequiredParams: []string{"phone"}},
		Mapping:  dispatchapy.Mapping{"to": {From: "phone"}, "text": {Template: "{{message}} ({{ref}})"}},
		Client:   dispatchapy.Client{Name: "app"},
	}
}

func TestSetUpMakesAllOfIt(t *testing.T) {
	n := startNode(t)
	made, err := n.SetUp(t.Context(), admin, setup())
	if err != nil {
		t.Fatal(err)
	}
	if len(n.store.updates) != 1 || len(n.store.updates[0].Put) != 3 || len(n.store.updates[0].Audit) != 3 {
		t.Errorf("it took %d changes", len(n.store.updates))
	}
	endpoint, err := n.Endpoint(t.Context(), admin, made.EndpointID)
	if err != nil || endpoint.Readiness != dispatchapy.ReadinessReady || !cmp.Equal(endpoint.Clients, []string{"app"}) || !cmp.Equal(endpoint.Resources, []string{"Acme"}) {
		t.Errorf("the endpoint is %+v, %v", endpoint, err)
	}
	if got := n.stored().Resource("Acme").Headers["X-Key"].Reveal(); got != `"hush"` {
		t.Errorf("the header is stored as %s", got)
	}
	who, known := n.Authenticate(made.Token)
	if !known || who.ClientID != made.ClientID || !strings.HasPrefix(made.Token.Reveal(), "dpy_") {
		t.Errorf("the token opens %+v", who)
	}
}

// TestSetUpMakesAllOrNothing has a fault in each part; nothing of the others
// may be left.
func TestSetUpMakesAllOrNothing(t *testing.T) {
	n := startNode(t)
	before := n.table.Load().Config.Version
	for name, tt := range map[string]struct {
		edit func(in *service.SetupInput)
		want string
	}{
		"a wrong URL":              {func(in *service.SetupInput) { in.Resource.URL = "ftp://x" }, "resource.url"},
		"no name":                  {func(in *service.SetupInput) { in.Resource.Name = "" }, "resource.name"},
		"a resource's name taken":  {func(in *service.SetupInput) { in.Resource.Name = " primary " }, "resource.name"},
		"an endpoint's path taken": {func(in *service.SetupInput) { in.Endpoint.Path = "/sms/" }, "endpoint.path"},
		"a wrong path":             {func(in *service.SetupInput) { in.Endpoint.Path = "" }, "endpoint.path"},
		"a client's name taken":    {func(in *service.SetupInput) { in.Client.Name = "shop" }, "client.name"},
		"a mapping without source": {func(in *service.SetupInput) { in.Mapping["to"] = dispatchapy.Source{} }, "mapping.to"},
		"a broken template":        {func(in *service.SetupInput) { in.Mapping["text"] = dispatchapy.Source{Template: "{{a"} }, "mapping.text.template"},
		"a resource that is gone":  {func(in *service.SetupInput) { in.ResourceID = 4711 }, "resource"},
	} {
		in := setup()
		tt.edit(&in)
		_, err := n.SetUp(t.Context(), admin, in)
		wantCode(t, err, dispatchapy.CodeInvalid)
		if fields := fieldsOf(err); len(fields) == 0 || fields[0].Path != tt.want {
			t.Errorf("%s: %+v, want a fault at %s", name, fields, tt.want)
		}
	}
	if n.table.Load().Config.Version != before || len(n.store.updates) > 0 {
		t.Error("something was changed")
	}
}

func TestSetUpWithAResourceThatIsThere(t *testing.T) {
	n := startNode(t)
	in := setup()
	in.ResourceID, in.Resource = n.resource("primary").ID, dispatchapy.Resource{}
	made, err := n.SetUp(t.Context(), admin, in)
	if err != nil {
		t.Fatal(err)
	}
	if e := n.endpoint("alerts"); made.ResourceID != in.ResourceID || !cmp.Equal(e.Resources, []string{"primary"}) || len(e.Mapping["primary"]) != 2 {
		t.Errorf("the endpoint is %+v", e)
	}
	if got := n.stored().Resource("primary").Headers["X-Key"].Reveal(); got != "hush-header" {
		t.Errorf("the resource's header is %s", got)
	}
}

func TestPreviewOfASetupIsTheRequestItself(t *testing.T) {
	n := startNode(t)
	in := setup()
	in.Resource.Name, in.Client.Name = "primary", "" // names may be wrong still
	view, err := n.PreviewSetup(t.Context(), admin, in, []byte(`{"ref":"r1","scope":"s","phone":"+1555","message":"Disk 91%"}`))
	if err != nil {
		t.Fatal(err)
	}
	if view.Request == nil || view.Request.URL != "https://acme.example/sms" || view.Request.Header["X-Key"] != dispatchapy.Redacted || !json.Valid(view.Request.Body) ||
		string(view.Request.Body) != `{"text":"Disk 91% (r1)","to":"+1555"}` {
		t.Errorf("shown is %+v", view.Request)
	}
	in.Mapping["to"] = dispatchapy.Source{Template: "{{"}
	_, err = n.PreviewSetup(t.Context(), admin, in, []byte(`{}`))
	if fields := fieldsOf(err); len(fields) != 1 || fields[0].Path != "mapping.to.template" {
		t.Errorf("a broken template: %v", err)
	}
	_, err = n.PreviewSetup(t.Context(), admin, setup(), []byte(`{`))
	wantCode(t, err, dispatchapy.CodeInvalid)
}

func TestStatesAndUsesOfResources(t *testing.T) {
	n := startNode(t)
	n.rooms["primary"] = routing.Broken
	states, err := n.ResourceStates(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	if got := states[n.resource("primary").ID]; got.Reason != routing.Broken || got.Wait == 0 || got.Endpoints != 1 {
		t.Errorf("primary is %+v", got)
	}
	if got := states[n.resource("backup").ID]; got.Reason != routing.Usable || got.Endpoints != 2 {
		t.Errorf("backup is %+v", got)
	}
	uses, err := n.ResourceUses(t.Context(), admin, n.resource("backup").ID)
	want := []service.ResourceUse{
		{EndpointID: n.endpoint("mail").ID, Path: "mail", Active: true, Place: 1, Chain: []string{"backup"}, Readiness: "Ready", Clients: 1},
		{EndpointID: n.endpoint("sms").ID, Path: "sms", Active: true, Place: 2, Chain: []string{"primary", "backup"}, Readiness: "Ready", Clients: 2},
	}
	if diff := cmp.Diff(want, uses); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if !uses[0].Alone() || uses[1].Alone() {
		t.Error("who has no other resource is not told")
	}
	_, err = n.ResourceUses(t.Context(), admin, 4711)
	wantCode(t, err, dispatchapy.CodeNotFound)
	_, err = n.ResourceStates(t.Context(), n.client("shop-token-1234"))
	wantCode(t, err, dispatchapy.CodeForbidden)
	_, err = n.ResourceUses(t.Context(), n.client("shop-token-1234"), n.resource("backup").ID)
	wantCode(t, err, dispatchapy.CodeForbidden)
}
