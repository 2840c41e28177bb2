package webui

import (
	"math"

	"dispatchapy/internal/service"
)

// aboutPage says what runs here.
type aboutPage struct {
	Shell
	settingsFrame
	System service.System
}

func (ui *UI) showAbout(c *call) error {
	system, err := ui.service.System(c.ctx(), c.who)
	if err != nil {
		return err
	}
	return c.show("settings-about", c.t("About"), &aboutPage{settingsFrame: c.frame("/settings/about"), System: system})
}

// littleSpace is how much free space is worth a warning.
const littleSpace = 1 << 30

// LittleSpace reports whether the disk of the database is getting full.
func (p *aboutPage) LittleSpace() bool { return p.System.FreeBytes < littleSpace }

// DatabaseBytes, FreeBytes and MemoryBytes are sizes as they are written.
func (p *aboutPage) DatabaseBytes() int { return int(p.System.DatabaseBytes) }
func (p *aboutPage) FreeBytes() int     { return int(min(p.System.FreeBytes, math.MaxInt)) }
func (p *aboutPage) MemoryBytes() int   { return int(min(p.System.Memory, math.MaxInt)) }
