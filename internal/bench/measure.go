package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// defaultStall is longer than the first waits between two rounds of a task.
const defaultStall = 15 * time.Second

// Measurement is what one load saw of one process. Zero: not measured.
type Measurement struct {
	AcceptedPerS  float64 `json:"accepted_per_s"`
	DeliveredPerS float64 `json:"delivered_per_s,omitempty"`

	// Latencies in milliseconds.
	AcceptP50  float64 `json:"accept_p50_ms"` // request to answer
	AcceptP99  float64 `json:"accept_p99_ms"`
	DeliverP50 float64 `json:"accept_to_delivered_p50_ms,omitempty"` // answer to the provider's answer
	DeliverP99 float64 `json:"accept_to_delivered_p99_ms,omitempty"`
	TotalP95   float64 `json:"total_p95_ms,omitempty"` // request to the provider's answer
	AddedP50   float64 `json:"failover_added_p50_ms,omitempty"`
	AddedP99   float64 `json:"failover_added_p99_ms,omitempty"` // first resource's 500 to arrival at the second

	CPUPer1000 float64 `json:"cpu_s_per_1000"`
	PeakMB     float64 `json:"peak_mb"`

	Rejected   int `json:"rejected"` // answers other than 200
	Lost       int `json:"lost"`
	Duplicated int `json:"duplicated"`
}

// measure puts a load on a process. If it delivers, all deliveries are waited
// for and compared with what was accepted.
func (r *run) measure(ctx context.Context, p *process, l load, delivers bool) (Measurement, error) {
	if delivers {
		if err := r.control("reset"); err != nil {
			return Measurement{}, err
		}
	}
	cpu := p.cpu()
	result, err := l.run(ctx, p.addr)
	if err != nil {
		return Measurement{}, fmt.Errorf("load on %s: %w", p.name, err)
	}
	if len(result.samples) == 0 {
		return Measurement{}, p.failure(fmt.Sprintf("accepted nothing (%d requests rejected)", result.rejected))
	}
	var records []record
	if delivers {
		if records, err = r.awaitDelivered(ctx, len(result.samples)); err != nil {
			return Measurement{}, err
		}
	}
	m := evaluate(result, records, delivers)
	m.CPUPer1000 = (p.cpu() - cpu).Seconds() / float64(len(result.samples)) * 1000
	m.PeakMB = p.peakMB()
	return m, nil
}

// control gives the provider an order.
func (r *run) control(order string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := get(ctx, r.sink.addr, "/control/"+order)
	return err
}

// awaitDelivered waits until the provider has so many tasks, or has not had a
// new one for a while, and fetches its records.
func (r *run) awaitDelivered(ctx context.Context, want int) ([]record, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last, progress := -1, time.Now()
	for {
		answer, err := get(ctx, r.sink.addr, pathCount)
		if err != nil {
			return nil, err
		}
		count, err := strconv.Atoi(string(answer))
		if err != nil {
			return nil, err
		}
		if count != last {
			last, progress = count, time.Now()
		}
		if count >= want || time.Since(progress) > r.stall {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
	content, err := get(ctx, r.sink.addr, pathRecords)
	if err != nil {
		return nil, err
	}
	records := make([]record, len(content)/binary.Size(record{}))
	if err := binary.Read(bytes.NewReader(content), binary.LittleEndian, records); err != nil {
		return nil, fmt.Errorf("the provider's records: %w", err)
	}
	return records, nil
}

// evaluate joins what the load and the provider have seen. Rates and latencies
// are those of the measured window; losses are counted over everything.
func evaluate(result loadResult, records []record, delivers bool) Measurement {
	m := Measurement{Rejected: result.rejected}
	within := func(t int64) bool { return t >= result.from && t < result.to }
	seconds := time.Duration(result.to - result.from).Seconds()

	var accept, deliver, total, added []int64
	for _, s := range result.samples {
		measured := within(s.answered)
		if measured {
			accept = append(accept, s.answered-s.sent)
		}
		if !delivers {
			continue
		}
		if s.seq >= int64(len(records)) || records[s.seq].Times == 0 {
			m.Lost++
			continue
		}
		rec := records[s.seq]
		m.Duplicated += int(rec.Times) - 1
		if measured {
			// The provider may answer before the client has read its own answer.
			deliver = append(deliver, max(0, rec.Answered-s.answered))
			total = append(total, rec.Answered-s.sent)
			if rec.Failed > 0 {
				added = append(added, rec.Arrived-rec.Failed)
			}
		}
	}
	delivered := 0
	for _, rec := range records {
		if rec.Times > 0 && within(rec.Answered) {
			delivered++
		}
	}
	if seconds > 0 {
		m.AcceptedPerS = float64(len(accept)) / seconds
		m.DeliveredPerS = float64(delivered) / seconds
	}
	m.AcceptP50, m.AcceptP99 = percentile(accept, 0.50), percentile(accept, 0.99)
	m.DeliverP50, m.DeliverP99 = percentile(deliver, 0.50), percentile(deliver, 0.99)
	m.TotalP95 = percentile(total, 0.95)
	m.AddedP50, m.AddedP99 = percentile(added, 0.50), percentile(added, 0.99)
	return m
}

// percentile gives the smallest value, in milliseconds, that the share q of the
// nanoseconds does not exceed; 0 for none.
func percentile(ns []int64, q float64) float64 {
	if len(ns) == 0 {
		return 0
	}
	slices.Sort(ns)
	i := int(math.Ceil(q*float64(len(ns)))) - 1
	return float64(ns[max(i, 0)]) / 1e6
}
