package bench

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = int64(time.Millisecond)

func TestEvaluate(t *testing.T) {
	result := loadResult{
		from: 1000 * ms, to: 3000 * ms, rejected: 2,
		samples: []sample{
			{seq: 0, sent: 900 * ms, answered: 999 * ms}, // before the window
			{seq: 1, sent: 1000 * ms, answered: 1010 * ms},
			{seq: 2, sent: 1000 * ms, answered: 1020 * ms},
			{seq: 3, sent: 1000 * ms, answered: 1030 * ms}, // never delivered
			{seq: 5, sent: 2980 * ms, answered: 3000 * ms}, // after the window, no record at all
		},
	}
	records := []record{
		{Arrived: 1001 * ms, Answered: 1003 * ms, Times: 1},                    // delivered inside the window
		{Arrived: 1005 * ms, Answered: 1007 * ms, Times: 3},                    // delivered before its answer, and twice more
		{Failed: 1022 * ms, Arrived: 1026 * ms, Answered: 1060 * ms, Times: 1}, // by the second resource
		{Failed: 1022 * ms},
		{Arrived: 1, Answered: 1500 * ms, Times: 1}, // its answer was not 200, so that nobody waits for it
	}
	got := evaluate(result, records, true)
	want := Measurement{
		AcceptedPerS: 1.5, DeliveredPerS: 2,
		AcceptP50: 20, AcceptP99: 30,
		DeliverP50: 0, DeliverP99: 40,
		TotalP95: 60,
		AddedP50: 4, AddedP99: 4,
		Rejected: 2, Lost: 2, Duplicated: 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := evaluate(result, nil, false); got.Lost != 0 || got.AcceptP50 != 20 || got.DeliveredPerS != 0 {
		t.Errorf("without deliveries: %+v", got)
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(100-i) * ms
	}
	for _, c := range []struct {
		values []int64
		q      float64
		want   float64
	}{
		{nil, 0.5, 0},
		{[]int64{7 * ms}, 0.99, 7},
		{hundred, 0.50, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
		{hundred, 0, 1},
	} {
		if got := percentile(slices.Clone(c.values), c.q); got != c.want {
			t.Errorf("percentile %v of %d values is %v, want %v", c.q, len(c.values), got, c.want)
		}
	}
}

func TestMedianOfRounds(t *testing.T) {
	var r Report
	for _, rate := range []float64{30, 10, 20} {
		r.add("x", Measurement{AcceptedPerS: rate, Lost: 1, Rejected: 2})
	}
	if m := r.row("x").Median; m.AcceptedPerS != 20 || m.Lost != 3 || m.Rejected != 6 {
		t.Errorf("median of three: %+v", m)
	}
	r.add("x", Measurement{AcceptedPerS: 40})
	if m := r.row("x").Median; m.AcceptedPerS != 25 {
		t.Errorf("median of four: %+v", m)
	}
	if r.lost() != 3 {
		t.Errorf("%d lost, want 3", r.lost())
	}
}

func TestJudge(t *testing.T) {
	r := newReport(Options{Rounds: 1})
	r.add(rowFsync, Measurement{AcceptedPerS: 1000})
	r.add(rowAccept, Measurement{AcceptedPerS: 700})
	r.add(rowDeliver, Measurement{AcceptedPerS: 900, DeliveredPerS: 200, PeakMB: 100})
	r.add(rowFailover, Measurement{AddedP50: 6})
	r.judge()
	want := []Finding{
		{Name: "accept alone / group fsync", Value: 0.7, Goal: 0.6, OK: true},
		{Name: "accept and deliver / group fsync", Value: 0.2, Goal: 0.22},
		{Name: "peak memory at saturation", Value: 100, Unit: "MB", Goal: 150, Most: true, OK: true},
		{Name: "failover adds, p50", Value: 6, Unit: "ms", Goal: 5, Most: true},
	}
	if diff := cmp.Diff(want, r.Findings); diff != "" {
		t.Error(diff)
	}
	var table bytes.Buffer
	if err := r.writeTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"accept alone / group fsync        0.70 x     goal >= 0.60    ok",
		"accept and deliver / group fsync  0.20 x     goal >= 0.22    missed",
		"failover adds, p50                6.00 ms    goal <= 5.00    missed",
	} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("the table lacks %q:\n%s", line, &table)
		}
	}
}

func TestProcFiles(t *testing.T) {
	stat := []byte("42 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 8 0 100 0 0")
	if got := parseCPU(stat); got != 2*time.Second {
		t.Errorf("processor time %s, want 2s", got)
	}
	if got := parseCPU([]byte("42 (x) S 1")); got != 0 {
		t.Errorf("processor time of a short line is %s", got)
	}
	status := []byte("Name:\tx\nVmPeak:\t  999999 kB\nVmHWM:\t  100000 kB\nVmRSS:\t 1 kB\n")
	if got := parsePeakMB(status); got != 102.4 {
		t.Errorf("peak memory %v MB, want 102.4", got)
	}
	if got := parsePeakMB([]byte("Name:\tx\n")); got != 0 {
		t.Errorf("peak memory without a line is %v", got)
	}
	mounts := "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmp/disk xfs rw 0 0\nshort\n"
	for dir, want := range map[string]string{"/tmp/a": "tmpfs", "/tmpfile": "ext4", "/tmp/disk/a": "xfs", "/tmp": "tmpfs", "/": "ext4"} {
		if got := fileSystemIn(mounts, dir); got != want {
			t.Errorf("%s is on %q, want %q", dir, got, want)
		}
	}
}
