package dispatchapy

import (
	"slices"
	"testing"
)

func TestReadiness(t *testing.T) {
	resources := []Resource{
		{Name: "needy", RequiredParams: []string{"to", "text"}},
		{Name: "nested", RequiredParams: []string{"message"}},
		{Name: "easy"},
	}
	full := Mapping{"to": {From: "a"}, "text": {From: "b"}, "more": {Now: true}}
	cases := []struct {
		name string
		e    Endpoint
		want string
	}{
		{"no client", Endpoint{Path: "unlinked", Resources: []string{"easy"}}, "Missing clients"},
		{"no client comes before no resource", Endpoint{Path: "unlinked"}, "Missing clients"},
		{"no resource", Endpoint{Path: "linked"}, "No resources"},
		{"nothing required, nothing mapped", Endpoint{Path: "linked", Resources: []string{"easy"}}, "Ready"},
		{"required, nothing mapped", Endpoint{Path: "linked", Resources: []string{"needy"}}, "Rules incomplete for 'needy'"},
		{"required, one missing", Endpoint{Path: "linked", Resources: []string{"needy"}, Mapping: map[string]Mapping{"needy": {"to": {From: "a"}}}}, "Rules incomplete for 'needy'"},
		{"all mapped", Endpoint{Path: "linked", Resources: []string{"easy", "needy"}, Mapping: map[string]Mapping{"needy": full}}, "Ready"},
		{"the mapping of another resource does not count", Endpoint{Path: "linked", Resources: []string{"needy"}, Mapping: map[string]Mapping{"easy": full}}, "Rules incomplete for 'needy'"},
		{"built from its parts", Endpoint{Path: "linked", Resources: []string{"nested"}, Mapping: map[string]Mapping{"nested": {"message.body": {From: "a"}}}}, "Ready"},
		{"a longer key is not a part", Endpoint{Path: "linked", Resources: []string{"nested"}, Mapping: map[string]Mapping{"nested": {"messages": {From: "a"}}}}, "Rules incomplete for 'nested'"},
		{"the first that is incomplete is named", Endpoint{Path: "linked", Resources: []string{"easy", "nested", "needy"}}, "Rules incomplete for 'nested'"},
		{"a resource that does not exist is Validate's", Endpoint{Path: "linked", Resources: []string{"nope"}}, "Ready"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := &Config{Resources: resources, Endpoints: []Endpoint{tc.e}, Clients: []Client{{Name: "a"}, {Name: "b", Endpoints: []string{"linked"}}}}
			if got := c.Readiness(&c.Endpoints[0]); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	m := Mapping{"to": {From: "a"}, "message.body": {From: "b"}}
	if got := m.Missing([]string{"text", "message", "to", "mess"}); !slices.Equal(got, []string{"text", "mess"}) {
		t.Errorf("missing %q", got)
	}
	if got := Mapping(nil).Missing(nil); got != nil {
		t.Errorf("missing %q of nothing", got)
	}
}
