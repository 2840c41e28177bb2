package webui

import (
	"fmt"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/webui/i18n"
)

// Bars is a history as bars, for the shared template "bars". Height and a notch
// carry the state, colour repeats it.
type Bars struct {
	Width int // of the picture, in its own units; it is 28 high
	Items []Bar
	Label string // what it says, for those who do not see it
}

// Bar is one of Bars.
type Bar struct {
	X, Y, Width, Height int
	Class               string // up, slow, part, down or none
	Notch               bool
	Title               string
}

// BarPath is all bars of a class in one path. A list of resources has thousands
// of bars, and an element for each would make it slow.
type BarPath struct{ Class, D string }

// Paths gives the bars by class.
func (b Bars) Paths() []BarPath {
	shapes := map[string]*strings.Builder{}
	draw := func(class string, x, y, width, height int) {
		if shapes[class] == nil {
			shapes[class] = &strings.Builder{}
		}
		fmt.Fprintf(shapes[class], "M%d %dh%dv%dh-%dz", x, y, width, height, width)
	}
	for _, item := range b.Items {
		draw(item.Class, item.X, item.Y, item.Width, item.Height)
		if item.Notch {
			draw("notch", item.X, 12, item.Width, 2)
		}
	}
	var out []BarPath
	for _, class := range []string{"up", "slow", "part", "planned", "none", "down", "notch"} {
		if shapes[class] != nil {
			out = append(out, BarPath{class, shapes[class].String()})
		}
	}
	return out
}

const (
	barWidth = 5 // of it a gap of gapWidth
	gapWidth = 1
	barsHigh = 28
)

// bar places the bar of a state.
func bar(place int, class, title string) Bar {
	high := map[string]int{"up": 17, "slow": 22, "part": 22, "down": barsHigh, "planned": 11, "none": 5}[class]
	return Bar{X: place * barWidth, Y: barsHigh - high, Width: barWidth - gapWidth, Height: high, Class: class, Notch: class == "down", Title: title}
}

// slowFactor is how many times longer than usual a check takes that is shown as
// slow.
const slowFactor = 3

// checkBars shows the latest checks of a resource, oldest first, in so many
// places; those without a check are at the left.
func checkBars(lang *i18n.Language, marks []dispatchapy.CheckMark, places int) Bars {
	marks = marks[max(0, len(marks)-places):]
	bars := Bars{Width: places * barWidth}
	for i := range places - len(marks) {
		bars.Items = append(bars.Items, bar(i, "none", ""))
	}
	slow := slowFactor * usual(marks)
	failed := 0
	for i, m := range marks {
		class, word := "up", lang.T("succeeded")
		switch {
		case !m.OK:
			class, word = "down", lang.T("failed")
			failed++
		case slow > 0 && m.Duration > slow:
			class, word = "slow", lang.T("slow")
		}
		title := fmt.Sprintf("%s UTC: %s, %s", m.At.UTC().Format("2006-01-02 15:04:05"), word, (&words{lang}).took(m.Duration))
		bars.Items = append(bars.Items, bar(places-len(marks)+i, class, title))
	}
	bars.Label = lang.N("{n} check, {failed} failed", "{n} checks, {failed} failed", len(marks), "failed", lang.Number(int64(failed)))
	if len(marks) == 0 {
		bars.Label = lang.T("No checks yet")
	}
	return bars
}

// usual gives the median duration of the checks that succeeded; at least 50 ms,
// below which nobody calls anything slow.
func usual(marks []dispatchapy.CheckMark) time.Duration {
	var all []time.Duration
	for _, m := range marks {
		if m.OK {
			all = append(all, m.Duration)
		}
	}
	if len(all) == 0 {
		return 0
	}
	return max(median(all), 50*time.Millisecond)
}

func median(all []time.Duration) time.Duration {
	sorted := append([]time.Duration(nil), all...)
	for i := range sorted { // a few dozen at most
		for j := i; j > 0 && sorted[j] < sorted[j-1]; j-- {
			sorted[j], sorted[j-1] = sorted[j-1], sorted[j]
		}
	}
	return sorted[len(sorted)/2]
}

// uptimeBars shows how a resource did, a bar per hour or day.
func uptimeBars(lang *i18n.Language, parts []service.Uptime) Bars {
	bars := Bars{Width: len(parts) * barWidth}
	w := &words{lang}
	bad := 0
	for i := range parts {
		u := &parts[i]
		class := "none"
		word := lang.T("nothing known")
		if share, known := u.Share(); known {
			word = w.percent(share)
			switch {
			case share >= 1:
				class = "up"
			case share >= 0.5:
				class = "part"
			default:
				class = "down"
			}
			if share < 1 {
				bad++
			}
		} else if u.Worst() == dispatchapy.HealthMaintenance {
			class, word = "planned", lang.T("maintenance")
		}
		format := "2006-01-02"
		if u.Until.Sub(u.Since) <= time.Hour {
			format = "2006-01-02 15:04"
		}
		bars.Items = append(bars.Items, bar(i, class, u.Since.UTC().Format(format)+": "+word))
	}
	bars.Label = lang.N("{n} bar, {bad} with down time", "{n} bars, {bad} with down time", len(parts), "bad", lang.Number(int64(bad)))
	return bars
}

// Strip is the throughput of hours as stacked bars, for the shared template
// "strip". Its table says the same.
type Strip struct {
	Width, Height int
	Hours         []StripHour
	Most          int64 // tasks of the highest bar
	Label         string
}

// StripHour is one bar of a Strip.
type StripHour struct {
	X, Width              int
	DeliveredY, Delivered int // top and height of the part
	FailedY, Failed       int
	Start                 time.Time
	Row                   service.StatsRow
}

const (
	hourWidth   = 20
	stripHeight = 72
)

// strip makes the bars of the hours from since on; rows are sparse.
func strip(lang *i18n.Language, since time.Time, hours int, rows []service.StatsRow) Strip {
	s := Strip{Width: hours * hourWidth, Height: stripHeight}
	byStart := map[int64]service.StatsRow{}
	var delivered, failed int64
	for _, row := range rows {
		byStart[row.Start.Unix()] = row
		s.Most = max(s.Most, row.Delivered+row.Failed)
		delivered, failed = delivered+row.Delivered, failed+row.Failed
	}
	for i := range hours {
		start := since.Add(time.Duration(i) * time.Hour)
		h := StripHour{X: i*hourWidth + 1, Width: hourWidth - 2, Start: start, Row: byStart[start.Unix()]}
		h.Delivered, h.Failed = s.scale(h.Row.Delivered), s.scale(h.Row.Failed)
		h.DeliveredY = stripHeight - h.Delivered
		h.FailedY = h.DeliveredY - h.Failed
		s.Hours = append(s.Hours, h)
	}
	s.Label = lang.T("Tasks per hour over {hours} hours: {delivered} delivered, {failed} failed",
		"hours", hours, "delivered", lang.Number(delivered), "failed", lang.Number(failed))
	return s
}

// scale gives the height of a number of tasks. What is there is seen.
func (s *Strip) scale(n int64) int {
	if n == 0 || s.Most == 0 {
		return 0
	}
	return max(2, int(n*(stripHeight-4)/s.Most))
}

// spark gives the path of a small line through values, oldest first, in a
// picture 100 wide and 24 high; "" for fewer than two.
func spark(values []time.Duration) string {
	if len(values) < 2 {
		return ""
	}
	most := time.Duration(1)
	for _, v := range values {
		most = max(most, v)
	}
	var path strings.Builder
	for i, v := range values {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", command, float64(i)*100/float64(len(values)-1), 22-20*float64(v)/float64(most))
	}
	return path.String()
}

// durations gives the durations of checks that succeeded, for spark.
func durations(marks []dispatchapy.CheckMark) []time.Duration {
	var all []time.Duration
	for _, m := range marks {
		if m.OK {
			all = append(all, m.Duration)
		}
	}
	return all
}
