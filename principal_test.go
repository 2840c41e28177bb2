package dispatchapy_test

import (
	"testing"

	"dispatchapy"
)

// TestPermissions says for every role and permission whether it is granted.
func TestPermissions(t *testing.T) {
	roles := []dispatchapy.Role{dispatchapy.RoleAdmin, dispatchapy.RoleOperator, dispatchapy.RoleViewer, dispatchapy.RoleClient}
	table := map[dispatchapy.Permission][4]bool{ // admin, operator, viewer, client
		dispatchapy.ReadTasks:    {true, true, true, true},
		dispatchapy.ActOnTasks:   {true, true, false, true},
		dispatchapy.ReadConfig:   {true, true, true, true},
		dispatchapy.ReadSettings: {true, true, true, false},
		dispatchapy.WriteConfig:  {true, false, false, false},
		dispatchapy.WriteDev:     {true, false, false, true},
		dispatchapy.ReadSecrets:  {true, false, false, false},
		dispatchapy.CheckHealth:  {true, true, false, false},
		dispatchapy.ReadEvents:   {true, true, true, false},
		dispatchapy.ReadAudit:    {true, false, false, false},
		dispatchapy.ManageUsers:  {true, false, false, false},
	}
	for permission, want := range table {
		for i, role := range roles {
			if got := (dispatchapy.Principal{Role: role, ClientID: 1}).May(permission); got != want[i] {
				t.Errorf("%s may %s: %v, want %v", role, permission, got, want[i])
			}
		}
		for _, nobody := range []dispatchapy.Principal{{}, {Role: "owner"}, {Role: dispatchapy.RoleClient}} {
			if nobody.May(permission) {
				t.Errorf("%+v may %s", nobody, permission)
			}
		}
	}
}
