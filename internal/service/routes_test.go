package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/service"
)

func TestEndpointRoutesSayHowMessagesFare(t *testing.T) {
	n := startNode(t)
	off := false
	sms := n.table.Load().Config.Endpoint("sms")
	if _, err := n.CreateEndpoint(t.Context(), admin, &service.EndpointDraft{Endpoint: dispatchapy.Endpoint{Path: "empty"}, Clients: []string{"shop"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.CreateEndpoint(t.Context(), admin, &service.EndpointDraft{Endpoint: dispatchapy.Endpoint{Path: "off", Active: &off, Resources: []string{"spare"}}, Clients: []string{"shop"}}); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		rooms     map[string]routing.Reason
		sms, mail service.RouteHealth
		carrier   int // of sms
	}{
		{nil, service.RouteOperational, service.RouteOperational, 0},
		{map[string]routing.Reason{"primary": routing.Down}, service.RouteDegraded, service.RouteOperational, 1},
		{map[string]routing.Reason{"primary": routing.Full}, service.RouteOperational, service.RouteOperational, 0},
		{map[string]routing.Reason{"backup": routing.Broken}, service.RouteOperational, service.RouteDown, 0},
		{map[string]routing.Reason{"primary": routing.Down, "backup": routing.Paused}, service.RouteDown, service.RouteDown, -1},
	}
	for _, tc := range cases {
		for name := range n.rooms {
			delete(n.rooms, name)
		}
		for name, why := range tc.rooms {
			n.rooms[name] = why
		}
		got, err := n.EndpointRoutes(t.Context(), admin)
		if err != nil {
			t.Fatal(err)
		}
		health := map[string]service.RouteHealth{}
		for i := range got {
			health[got[i].Path] = got[i].Health
			if got[i].ID == sms.ID && got[i].Carrier() != tc.carrier {
				t.Errorf("%v: carried by %d, want %d", tc.rooms, got[i].Carrier(), tc.carrier)
			}
		}
		want := map[string]service.RouteHealth{"sms": tc.sms, "mail": tc.mail, "empty": service.RouteIncomplete, "off": service.RouteOff}
		if diff := cmp.Diff(want, health); diff != "" {
			t.Errorf("%v: %s", tc.rooms, diff)
		}
	}
}

func TestClientsDoNotSeeTheResourcesOfARoute(t *testing.T) {
	n := startNode(t)
	n.rooms["primary"] = routing.Down
	got, err := n.EndpointRoutes(t.Context(), n.client("shop-token-1234"))
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got[0].Path != "sms" || got[0].Health != service.RouteDegraded || got[0].Routes != nil {
		t.Errorf("got %+v", got[0])
	}
	one, err := n.EndpointRoute(t.Context(), n.client("shop-token-1234"), got[0].ID)
	if diff := cmp.Diff(got[0], one); err != nil || diff != "" {
		t.Errorf("alone it is another: %v %s", err, diff)
	}
	_, err = n.EndpointRoute(t.Context(), n.client("shop-token-1234"), n.table.Load().Config.Endpoint("mail").ID)
	wantCode(t, err, dispatchapy.CodeNotFound)
}

func TestWhoTakesOver(t *testing.T) {
	route := service.EndpointRoute{Routes: []service.RouteState{{Resource: "a", Reason: routing.Inactive}, {Resource: "b"}, {Resource: "c", Reason: routing.RateLimited}}}
	for _, tc := range []struct {
		down []string
		want int
	}{{nil, 1}, {[]string{"a"}, 1}, {[]string{"b"}, 2}, {[]string{"c", "b"}, -1}} {
		if got := route.CarrierWithout(tc.down); got != tc.want {
			t.Errorf("without %q: %d, want %d", tc.down, got, tc.want)
		}
	}
}

func TestResourcesNamed(t *testing.T) {
	n := startNode(t)
	for _, tc := range []struct {
		who  dispatchapy.Principal
		want []string
	}{{admin, []string{"spare", "backup", "primary"}}, {n.client("shop-token-1234"), []string{"backup", "primary"}}} {
		found, err := n.ResourcesNamed(t.Context(), tc.who, []string{"spare", "gone", "backup", "primary"})
		got := names(t, service.Page[service.Resource]{Items: found}, err, func(r service.Resource) string { return r.Name })
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.who.Name, diff)
		}
	}
}
