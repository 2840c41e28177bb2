package service_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// TestEveryMethodAuthorises calls every method that takes a principal with
// those who may do nothing, so that a method added without a check is found.
func TestEveryMethodAuthorises(t *testing.T) {
	n := startNode(t)
	principal := reflect.TypeFor[dispatchapy.Principal]()
	value, typ := reflect.ValueOf(n.Service), reflect.TypeOf(n.Service)
	checked := 0
	for i := range typ.NumMethod() {
		method := typ.Method(i)
		if method.Type.NumIn() < 3 || method.Type.In(2) != principal {
			continue
		}
		checked++
		call := func(p dispatchapy.Principal) error {
			args := []reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(p)}
			for in := 3; in < method.Type.NumIn(); in++ {
				args = append(args, reflect.Zero(method.Type.In(in)))
			}
			out := value.Method(i).Call(args)
			err, _ := out[len(out)-1].Interface().(error)
			return err
		}
		for name, p := range map[string]dispatchapy.Principal{
			"zero":                 {},
			"unknown role":         {Role: "owner", ClientID: 1},
			"client without an id": {Role: dispatchapy.RoleClient},
		} {
			if got := dispatchapy.ErrorCode(call(p)); got != dispatchapy.CodeUnauthenticated {
				t.Errorf("%s for %s: code %q, want unauthenticated", method.Name, name, got)
			}
		}
		permission, known := needed[method.Name]
		if !known {
			t.Errorf("%s is not in the table of permissions", method.Name)
		}
		for _, p := range []dispatchapy.Principal{n.client("shop-token-1234"), {Role: dispatchapy.RoleViewer}, {Role: dispatchapy.RoleOperator}} {
			if p.May(permission) {
				continue // tested where it does something
			}
			if got := dispatchapy.ErrorCode(call(p)); got != dispatchapy.CodeForbidden {
				t.Errorf("%s for a %s: code %q, want forbidden", method.Name, p.Role, got)
			}
		}
	}
	if checked != len(needed) {
		t.Errorf("%d methods were found, %d are in the table", checked, len(needed))
	}
}

// needed is the permission that each method asks for first.
var needed = map[string]dispatchapy.Permission{
	"ListTasks": dispatchapy.ReadTasks, "Task": dispatchapy.ReadTasks,
	"ActOnTask": dispatchapy.ActOnTasks, "ActOnTasks": dispatchapy.ActOnTasks,
	"ListResources": dispatchapy.ReadConfig, "ResourcesNamed": dispatchapy.ReadConfig, "Resource": dispatchapy.ReadConfig, "ListChecks": dispatchapy.ReadConfig, "FindChecks": dispatchapy.ReadConfig,
	"FailedAttempts": dispatchapy.ReadTasks, "ResourceStates": dispatchapy.ReadConfig, "ResourceUses": dispatchapy.ReadConfig,
	"SetUp": dispatchapy.WriteConfig, "PreviewSetup": dispatchapy.WriteConfig,
	"ListIncidents": dispatchapy.ReadEvents, "Incident": dispatchapy.ReadEvents,
	"AcknowledgeIncident": dispatchapy.HandleIncidents, "NoteIncident": dispatchapy.HandleIncidents,
	"ListNotifications": dispatchapy.ReadEvents, "Notification": dispatchapy.ReadEvents, "RetryNotification": dispatchapy.HandleIncidents,
	"AlertTemplates": dispatchapy.ReadSettings, "TestAlert": dispatchapy.WriteConfig, "PreviewAlert": dispatchapy.ReadConfig,
	"ResourceUptime": dispatchapy.ReadConfig, "ListHealth": dispatchapy.ReadConfig, "AllHealth": dispatchapy.ReadConfig,
	"ListEndpoints": dispatchapy.ReadConfig, "Endpoint": dispatchapy.ReadConfig, "EndpointRoutes": dispatchapy.ReadConfig, "EndpointRoute": dispatchapy.ReadConfig,
	"ListClients": dispatchapy.ReadConfig, "Client": dispatchapy.ReadConfig,
	"Documentation": dispatchapy.ReadConfig, "Samples": dispatchapy.ReadConfig,
	"CheckResource": dispatchapy.CheckHealth, "ListEvents": dispatchapy.ReadEvents, "Settings": dispatchapy.ReadSettings,
	"Config": dispatchapy.ReadSecrets, "ExportConfig": dispatchapy.ReadSecrets, "Reseal": dispatchapy.ReadSecrets,
	"Apply": dispatchapy.WriteConfig, "ApplyFile": dispatchapy.WriteConfig, "PreviewMessage": dispatchapy.WriteConfig,
	"SendMessage": dispatchapy.ActOnTasks, "ExampleMessage": dispatchapy.ReadConfig,
	"StartMaintenance": dispatchapy.WriteConfig, "EndMaintenance": dispatchapy.WriteConfig,
	"CreateResource": dispatchapy.WriteConfig, "UpdateResource": dispatchapy.WriteConfig, "DuplicateResource": dispatchapy.WriteConfig,
	"ResourceImpact": dispatchapy.WriteConfig, "DeleteResource": dispatchapy.WriteConfig,
	"CreateEndpoint": dispatchapy.WriteConfig, "UpdateEndpoint": dispatchapy.WriteConfig, "DuplicateEndpoint": dispatchapy.WriteConfig,
	"EndpointImpact": dispatchapy.WriteConfig, "DeleteEndpoint": dispatchapy.WriteConfig,
	"CreateClient": dispatchapy.WriteConfig, "UpdateClient": dispatchapy.WriteConfig, "UpdateClientDev": dispatchapy.WriteDev, "DuplicateClient": dispatchapy.WriteConfig,
	"ClientImpact": dispatchapy.WriteConfig, "DeleteClient": dispatchapy.WriteConfig, "RotateToken": dispatchapy.WriteDev, "TryRules": dispatchapy.WriteDev,
	"ChannelUses": dispatchapy.ReadSettings, "SaveChannel": dispatchapy.WriteConfig, "DeleteChannel": dispatchapy.WriteConfig,
	"UpdateSettings": dispatchapy.WriteConfig, "ListAudit": dispatchapy.ReadAudit,
}

func names[T any](t *testing.T, p service.Page[T], err error, name func(T) string) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, item := range p.Items {
		out = append(out, name(item))
	}
	return out
}

func TestSightOfConfiguration(t *testing.T) {
	n := startNode(t)
	gone := dispatchapy.Principal{Role: dispatchapy.RoleClient, ClientID: 4711}
	tests := []struct {
		name                          string
		who                           dispatchapy.Principal
		resources, endpoints, clients []string
	}{
		{"admin", admin, []string{"backup", "primary", "spare"}, []string{"mail", "sms"}, []string{"bank", "shop"}},
		{"shop", n.client("shop-token-1234"), []string{"backup", "primary"}, []string{"sms"}, []string{"shop"}},
		{"a client that was deleted", gone, []string{}, []string{}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resources, err := n.ListResources(t.Context(), tt.who, service.PageRequest{})
			if diff := cmp.Diff(tt.resources, names(t, resources, err, func(r service.Resource) string { return r.Name })); diff != "" {
				t.Error(diff)
			}
			endpoints, err := n.ListEndpoints(t.Context(), tt.who, service.PageRequest{})
			if diff := cmp.Diff(tt.endpoints, names(t, endpoints, err, func(e service.Endpoint) string { return e.Path })); diff != "" {
				t.Error(diff)
			}
			clients, err := n.ListClients(t.Context(), tt.who, service.PageRequest{})
			if diff := cmp.Diff(tt.clients, names(t, clients, err, func(c service.Client) string { return c.Name })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAClientSeesNoConfigurationOfResources(t *testing.T) {
	n := startNode(t)
	shop := n.client("shop-token-1234")
	cfg := n.table.Load().Config
	found, err := n.Resource(t.Context(), shop, cfg.Resource("primary").ID)
	if err != nil {
		t.Fatal(err)
	}
	if found.URL != "" || found.Headers != nil || found.Name != "primary" {
		t.Errorf("a client sees %+v", found.Resource)
	}
	_, err = n.Resource(t.Context(), shop, cfg.Resource("spare").ID)
	wantCode(t, err, dispatchapy.CodeNotFound)
	_, err = n.ListChecks(t.Context(), shop, cfg.Resource("spare").ID, service.PageRequest{})
	wantCode(t, err, dispatchapy.CodeNotFound)
	_, err = n.CheckResource(t.Context(), admin, 4711)
	wantCode(t, err, dispatchapy.CodeNotFound)

	endpoints, err := n.ListEndpoints(t.Context(), shop, service.PageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"shop"}, endpoints.Items[0].Clients); diff != "" {
		t.Errorf("a client sees the others: %s", diff)
	}
}

func TestTokensAndPasswordsAreNotShown(t *testing.T) {
	n := startNode(t)
	n.apply("version: 1\nsettings: {smtp: {host: h, from: a@b.example, username: u, password: hush}}\n", service.ApplyOptions{})
	clients, err := n.ListClients(t.Context(), admin, service.PageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients.Items {
		if c.Token != "" || c.TokenHash != "" {
			t.Errorf("client %s shows its token or its hash", c.Name)
		}
	}
	if n.table.Load().Config.Client("shop").TokenHash == "" {
		t.Error("hiding the hash changed the configuration in force")
	}
	settings, err := n.Settings(t.Context(), admin)
	if err != nil || settings.SMTP.Password.Reveal() != dispatchapy.Redacted {
		t.Errorf("password is shown as %q, %v", settings.SMTP.Password.Reveal(), err)
	}
	if n.table.Load().Config.Settings.SMTP.Password.Reveal() != "hush" {
		t.Error("masking changed the configuration in force")
	}
}

func TestListsByNamePage(t *testing.T) {
	n := startNode(t)
	var got []string
	request := service.PageRequest{Limit: 1}
	for {
		page, err := n.ListResources(t.Context(), admin, request)
		got = append(got, names(t, page, err, func(r service.Resource) string { return r.Name })...)
		if request.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"backup", "primary", "spare"}, got); diff != "" {
		t.Error(diff)
	}
	_, err := n.ListResources(t.Context(), admin, service.PageRequest{Cursor: "%%"})
	wantCode(t, err, dispatchapy.CodeInvalid)
}
