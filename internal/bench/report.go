package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// Report is the result of a run, as printed with JSON.
type Report struct {
	CPUs              int       `json:"cpus"`
	Go                string    `json:"go"`
	At                time.Time `json:"at"`
	Rounds            int       `json:"rounds"`
	DurationS         float64   `json:"duration_s"`
	Connections       int       `json:"connections"`
	Client            string    `json:"client"` // "net/http" or "raw"
	BodyBytes         int       `json:"body_bytes"`
	ProviderLatencyMS float64   `json:"provider_latency_ms"`
	Rate              int       `json:"rate"`
	Preload           int       `json:"preload,omitempty"`

	Rows     []*Row    `json:"rows"`
	Findings []Finding `json:"findings"`
}

// Row is one thing that was measured, once per round.
type Row struct {
	Name   string        `json:"name"`
	Median Measurement   `json:"median"` // per field; Rejected, Lost and Duplicated are sums
	Rounds []Measurement `json:"rounds"`
}

// Finding is a figure that is the same on a fast and a slow machine, or that
// has a goal.
type Finding struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"` // "": a ratio
	Goal  float64 `json:"goal"`
	Most  bool    `json:"goal_is_upper_limit"`
	OK    bool    `json:"ok"`
}

func newReport(o Options) Report {
	client := "net/http"
	if o.RawClient {
		client = "raw"
	}
	return Report{
		Client: client,
		CPUs:   runtime.NumCPU(), Go: runtime.Version(), At: time.Now().UTC().Truncate(time.Second),
		Rounds: o.Rounds, DurationS: o.Duration.Seconds(), Connections: o.Connections, BodyBytes: o.BodyBytes,
		ProviderLatencyMS: float64(o.ProviderLatency) / 1e6, Rate: o.Rate, Preload: o.Preload,
	}
}

// add puts a round's measurement into its row.
func (r *Report) add(name string, m Measurement) {
	row := r.row(name)
	if row == nil {
		row = &Row{Name: name}
		r.Rows = append(r.Rows, row)
	}
	row.Rounds = append(row.Rounds, m)
	row.Median = median(row.Rounds)
}

func (r *Report) row(name string) *Row {
	i := slices.IndexFunc(r.Rows, func(row *Row) bool { return row.Name == name })
	if i < 0 {
		return nil
	}
	return r.Rows[i]
}

func median(rounds []Measurement) Measurement {
	of := func(get func(Measurement) float64) float64 {
		values := make([]float64, len(rounds))
		for i, m := range rounds {
			values[i] = get(m)
		}
		slices.Sort(values)
		mid := len(values) / 2
		if len(values)%2 == 0 {
			return (values[mid-1] + values[mid]) / 2
		}
		return values[mid]
	}
	m := Measurement{
		AcceptedPerS:  of(func(m Measurement) float64 { return m.AcceptedPerS }),
		DeliveredPerS: of(func(m Measurement) float64 { return m.DeliveredPerS }),
		AcceptP50:     of(func(m Measurement) float64 { return m.AcceptP50 }),
		AcceptP99:     of(func(m Measurement) float64 { return m.AcceptP99 }),
		DeliverP50:    of(func(m Measurement) float64 { return m.DeliverP50 }),
		DeliverP99:    of(func(m Measurement) float64 { return m.DeliverP99 }),
		TotalP95:      of(func(m Measurement) float64 { return m.TotalP95 }),
		AddedP50:      of(func(m Measurement) float64 { return m.AddedP50 }),
		AddedP99:      of(func(m Measurement) float64 { return m.AddedP99 }),
		CPUPer1000:    of(func(m Measurement) float64 { return m.CPUPer1000 }),
		PeakMB:        of(func(m Measurement) float64 { return m.PeakMB }),
	}
	for _, round := range rounds {
		m.Rejected += round.Rejected
		m.Lost += round.Lost
		m.Duplicated += round.Duplicated
	}
	return m
}

func (r *Report) lost() int {
	lost := 0
	for _, row := range r.Rows {
		lost += row.Median.Lost
	}
	return lost
}

// judge computes the findings for which the rows are there.
func (r *Report) judge() {
	accepted := func(m Measurement) float64 { return m.AcceptedPerS }
	delivered := func(m Measurement) float64 { return m.DeliveredPerS }
	acceptP50 := func(m Measurement) float64 { return m.AcceptP50 }
	totalP95 := func(m Measurement) float64 { return m.TotalP95 }

	r.ratio("accept alone / group fsync", rowAccept, accepted, rowFsync, accepted, 0.60, false)
	r.ratio("accept and deliver / group fsync", rowDeliver, delivered, rowFsync, accepted, 0.22, false)
	r.figure("peak memory at saturation", rowDeliver, func(m Measurement) float64 { return m.PeakMB }, "MB", 150)
	r.figure("accept p50, one at a time", rowSingleGateway, acceptP50, "ms", 1.5)
	r.ratio("accept p50, one at a time / group fsync", rowSingleGateway, acceptP50, rowSingleFsync, acceptP50, 2, true)
	r.ratio("p95 beside a hanging / a healthy provider", rowHanging, totalP95, rowHealthy, totalP95, 1.10, true)
	r.figure("failover adds, p50", rowFailover, func(m Measurement) float64 { return m.AddedP50 }, "ms", 5)
	r.ratio("delivered, tasks stored / empty", rowStored, delivered, rowEmpty, delivered, 0.80, false)
}

type metric = func(Measurement) float64

func (r *Report) ratio(name, row string, value metric, base string, baseValue metric, goal float64, most bool) {
	a, b := r.row(row), r.row(base)
	if a == nil || b == nil || baseValue(b.Median) == 0 {
		return
	}
	r.find(Finding{Name: name, Value: value(a.Median) / baseValue(b.Median), Goal: goal, Most: most})
}

func (r *Report) figure(name, row string, value metric, unit string, goal float64) {
	if a := r.row(row); a != nil && value(a.Median) != 0 {
		r.find(Finding{Name: name, Value: value(a.Median), Unit: unit, Goal: goal, Most: true})
	}
}

func (r *Report) find(f Finding) {
	f.OK = f.Value >= f.Goal
	if f.Most {
		f.OK = f.Value <= f.Goal
	}
	r.Findings = append(r.Findings, f)
}

func (r *Report) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func (r *Report) writeTable(w io.Writer) error {
	fmt.Fprintf(w, "%d CPUs, %s, %d connections of a %s client, %d-byte bodies, provider takes %g ms; medians of %d interleaved rounds of %g s\n",
		r.CPUs, r.Go, r.Connections, r.Client, r.BodyBytes, r.ProviderLatencyMS, r.Rounds, r.DurationS)
	if r.row(rowHealthy) != nil || r.row(rowFailover) != nil {
		fmt.Fprintf(w, "fixed rate, where there is one: %d/s\n", r.Rate)
	}
	if r.Preload > 0 {
		fmt.Fprintf(w, "tasks stored beforehand: %d\n", r.Preload)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\taccepted\tdelivered\taccept ms\taccept ms\tto delivered ms\tto delivered ms\tCPU s per\tpeak\t\t\t\t")
	fmt.Fprintln(t, "\tper s\tper s\tp50\tp99\tp50\tp99\t1,000 tasks\tMB\trejected\tlost\tduplicated\t")
	for _, row := range r.Rows {
		m := row.Median
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t\n", row.Name,
			cell(m.AcceptedPerS, 0), cell(m.DeliveredPerS, 0), cell(m.AcceptP50, 2), cell(m.AcceptP99, 2),
			cell(m.DeliverP50, 2), cell(m.DeliverP99, 2), cell(m.CPUPer1000, 3), cell(m.PeakMB, 0),
			m.Rejected, m.Lost, m.Duplicated)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Findings) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		fmt.Fprintln(t, f.line())
	}
	return t.Flush()
}

func (f Finding) line() string {
	sign, verdict := ">=", "missed"
	if f.Most {
		sign = "<="
	}
	if f.OK {
		verdict = "ok"
	}
	unit := f.Unit
	if unit == "" {
		unit = "x"
	}
	return fmt.Sprintf("%s\t%.2f %s\tgoal %s %.2f\t%s", f.Name, f.Value, unit, sign, f.Goal, verdict)
}

func cell(v float64, digits int) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, v)
}
