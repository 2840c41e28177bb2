package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

func TestSendMessageInTheNameOfAClient(t *testing.T) {
	n := startNode(t)
	cfg := n.table.Load().Config
	sms, shop := cfg.Endpoint("sms"), cfg.Client("shop")
	operator := dispatchapy.Principal{Name: "olga", Role: dispatchapy.RoleOperator}
	receipt, err := n.SendMessage(t.Context(), operator, sms.ID, service.SendInput{Client: "shop", Payload: []byte(`{"a":1}`)})
	if err != nil || receipt.TaskID != 1 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	want := dispatchapy.Submission{EndpointID: sms.ID, ClientID: shop.ID, Source: []byte(`{"a":1}`), Note: "sent by olga as client shop", By: "olga"}
	if diff := cmp.Diff([]dispatchapy.Submission{want}, n.sent); diff != "" {
		t.Error(diff)
	}
	audit, err := n.ListAudit(t.Context(), admin, service.AuditFilter{By: "olga"}, service.PageRequest{})
	if err != nil || len(audit.Items) != 1 {
		t.Fatalf("audit %+v, %v", audit, err)
	}
	if got := audit.Items[0]; got.Action != "send" || got.Kind != store.KindEndpoint || got.ObjectID != sms.ID || got.Name != "sms" || got.Detail != "sent a message as client shop" {
		t.Errorf("audit %+v", got)
	}
}

func TestSendMessageOfAClient(t *testing.T) {
	n := startNode(t)
	cfg := n.table.Load().Config
	shop := n.client("shop-token-1234")
	if _, err := n.SendMessage(t.Context(), shop, cfg.Endpoint("sms").ID, service.SendInput{Payload: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	if n.sent[0].ClientID != cfg.Client("shop").ID || n.sent[0].Note != "" {
		t.Errorf("sent %+v", n.sent[0])
	}
	_, err := n.SendMessage(t.Context(), shop, cfg.Endpoint("mail").ID, service.SendInput{Payload: []byte(`{}`)})
	wantCode(t, err, dispatchapy.CodeNotFound)
}

func TestSendMessageRefuses(t *testing.T) {
	n := startNode(t)
	sms, mail := n.table.Load().Config.Endpoint("sms").ID, n.table.Load().Config.Endpoint("mail").ID
	tests := []struct {
		name     string
		who      dispatchapy.Principal
		endpoint int64
		in       service.SendInput
		field    string
	}{
		{"nobody's message", admin, sms, service.SendInput{}, "client"},
		{"of an unknown client", admin, sms, service.SendInput{Client: "nobody"}, "client"},
		{"of a client that is not linked", admin, mail, service.SendInput{Client: "shop"}, "client"},
		{"as another client", n.client("shop-token-1234"), sms, service.SendInput{Client: "bank"}, "client"},
		{"what the intake refuses", admin, sms, service.SendInput{Client: "shop", Payload: []byte("refused")}, "payload"},
	}
	for _, tt := range tests {
		_, err := n.SendMessage(t.Context(), tt.who, tt.endpoint, tt.in)
		if fields := fieldsOf(err); len(fields) != 1 || fields[0].Path != tt.field {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	_, err := n.SendMessage(t.Context(), admin, 4711, service.SendInput{Client: "shop"})
	wantCode(t, err, dispatchapy.CodeNotFound)
	if len(n.sent) != 0 {
		t.Errorf("sent %+v", n.sent)
	}
}

func TestExampleMessage(t *testing.T) {
	n := startNode(t)
	got, err := n.ExampleMessage(t.Context(), admin, n.table.Load().Config.Endpoint("sms").ID)
	if want := "{\n  \"ref\": \"order-1042\",\n  \"scope\": \"prod\"\n}"; err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	_, err = n.ExampleMessage(t.Context(), n.client("shop-token-1234"), n.table.Load().Config.Endpoint("mail").ID)
	wantCode(t, err, dispatchapy.CodeNotFound)
}
