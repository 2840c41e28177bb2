package webui

import (
	"time"

	"dispatchapy/internal/service"
)

// resourceDeliveryPage says what was sent to a resource, and what keeps
// messages from it.
type resourceDeliveryPage struct {
	resourcePage
	Span   string // 24h or 7d
	Strip  Strip
	Sum    service.StatsRow
	Rows   []service.StatsRow // buckets, latest first
	Failed []service.FailedAttempt
}

// Succeeded counts the requests that were accepted.
func (p *resourceDeliveryPage) Succeeded() int64 { return p.Sum.Attempts - p.Sum.FailedAttempts }

// Share gives which part of the requests was accepted.
func (p *resourceDeliveryPage) Share() float64 {
	if p.Sum.Attempts == 0 {
		return 0
	}
	return float64(p.Succeeded()) / float64(p.Sum.Attempts)
}

func (ui *UI) showDelivery(c *call) error {
	head, err := c.openResource("delivery")
	if err != nil {
		return err
	}
	p := &resourceDeliveryPage{resourcePage: head, Span: "24h"}
	if c.query("span") == "7d" {
		p.Span = "7d"
	}
	if err := p.addStats(c); err != nil {
		return err
	}
	if p.Failed, err = ui.service.FailedAttempts(c.ctx(), c.who, p.R.ID); err != nil {
		return err
	}
	return c.show("resource_delivery", c.t("Delivery: {name}", "name", p.R.Name), p)
}

func (p *resourceDeliveryPage) addStats(c *call) error {
	ask := service.StatsInput{Resource: p.R.Name, Bucket: time.Hour}
	if p.Span == "7d" {
		ask.Since = time.Now().Add(-7 * 24 * time.Hour)
	}
	byHour, err := c.ui.service.Stats(c.ctx(), c.who, ask)
	if err != nil {
		return err
	}
	ask.Bucket = 0
	total, err := c.ui.service.Stats(c.ctx(), c.who, ask)
	if err != nil {
		return err
	}
	if len(total.Rows) > 0 {
		p.Sum = total.Rows[0]
	}
	requests := make([]service.StatsRow, len(byHour.Rows))
	for i, row := range byHour.Rows {
		p.Rows = append([]service.StatsRow{row}, p.Rows...)
		row.Delivered, row.Failed = row.Attempts-row.FailedAttempts, row.FailedAttempts
		requests[i] = row
	}
	hours := int(byHour.Until.Sub(byHour.Since) / time.Hour)
	p.Strip = strip(c.lang, byHour.Since, hours, requests)
	p.Strip.Label = c.t("Requests per hour over {hours} hours: {ok} accepted, {failed} failed",
		"hours", hours, "ok", c.lang.Number(p.Succeeded()), "failed", c.lang.Number(p.Sum.FailedAttempts))
	return nil
}
