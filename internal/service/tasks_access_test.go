package service_test

import (
	"maps"

	"dispatchapy"
)

// The permissions for following tasks and for what is kept about them.
func init() {
	maps.Copy(needed, map[string]dispatchapy.Permission{
		"Watch": dispatchapy.ReadTasks, "Neighbours": dispatchapy.ReadTasks, "OldestTasks": dispatchapy.ReadTasks, "ExportTasks": dispatchapy.ReadTasks, "ExportSelected": dispatchapy.ReadTasks,
		"Preferences": dispatchapy.ReadTasks, "Preference": dispatchapy.ReadTasks,
		"SetPreference": dispatchapy.ReadTasks, "DeletePreference": dispatchapy.ReadTasks,
	})
}
