package service_test

import (
	"maps"

	"dispatchapy"
)

// The permissions for trying out and sending messages, and for statistics.
func init() {
	maps.Copy(needed, map[string]dispatchapy.Permission{
		"TestResource": dispatchapy.WriteConfig, "TestMail": dispatchapy.WriteConfig,
		"ResendTask": dispatchapy.ActOnTasks, "CountBatch": dispatchapy.ActOnTasks,
		"PreviewTask": dispatchapy.ReadTasks, "Holds": dispatchapy.ReadConfig, "CountTasks": dispatchapy.ReadTasks, "Stats": dispatchapy.ReadTasks, "Load": dispatchapy.ReadTasks,
	})
}
