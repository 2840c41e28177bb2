package app

import (
	"os"
	"runtime"

	"dispatchapy/internal/service"
)

// machine says what the process knows of itself.
//
// Failure policy: what cannot be found out is left at zero.
func (a *App) machine() service.Machine {
	m := service.Machine{Started: a.started, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Accepting: a.ready.Load()}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	m.Memory = memory.Sys
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(a.options.DatabasePath() + suffix); err == nil {
			m.DatabaseBytes += info.Size()
		}
	}
	m.FreeBytes, m.FreeKnown = freeBytes(a.options.DataDir)
	return m
}
