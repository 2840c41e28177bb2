package webui

// overviewPage answers: is it delivering, what is stuck, what do I press.
type overviewPage struct {
	Shell
}

func (ui *UI) showOverview(c *call) error {
	return c.show("overview", c.t("Overview"), &overviewPage{})
}
