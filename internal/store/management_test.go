package store

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHistogramAdd(t *testing.T) {
	for d, want := range map[time.Duration]int{
		-time.Second:                       0,
		0:                                  0,
		time.Millisecond - 1:               0,
		time.Millisecond:                   1,
		2*time.Millisecond - 1:             1,
		2 * time.Millisecond:               2,
		time.Second:                        10, // 1000 ms of below 1024
		(1 << 18) * time.Millisecond:       19,
		(1 << 19) * time.Millisecond:       19,
		time.Duration(math.MaxInt64):       19,
		(1<<18)*time.Millisecond - 1:       18,
		1023 * time.Millisecond:            10,
		1024*time.Millisecond + 1:          11,
		time.Millisecond + time.Nanosecond: 1,
	} {
		var h Histogram
		h.Add(d)
		if h.Counts[want] != 1 {
			t.Errorf("%v was counted as %v, want it in %d", d, h.Counts, want)
		}
	}
}

func TestHistogramQuantile(t *testing.T) {
	var h Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("of nothing, the median is %v, want 0", got)
	}
	for range 100 { // evenly from 16 to 32 ms, as far as a histogram can tell
		h.Add(20 * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{
		0: 16 * time.Millisecond, 0.25: 20 * time.Millisecond, 0.5: 24 * time.Millisecond, 1: 32 * time.Millisecond,
	} {
		if got := h.Quantile(q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	var slow Histogram
	for range 25 {
		slow.Add(time.Second)
	}
	h.Merge(&slow)
	if got := h.Quantile(0.8); got != 32*time.Millisecond {
		t.Errorf("after a fifth of slow ones, quantile 0.8 is %v, want 32ms", got)
	}
	if got := h.Quantile(0.81); got < 512*time.Millisecond || got > 1024*time.Millisecond {
		t.Errorf("after a fifth of slow ones, quantile 0.81 is %v, want about a second", got)
	}
}

// A quantile lies within a factor of two of the true one, and grows with the
// share.
func TestHistogramQuantileIsClose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h, rest Histogram
		longest := time.Duration(0)
		for i, ms := range rapid.SliceOfN(rapid.IntRange(0, 250_000), 1, 50).Draw(t, "milliseconds") {
			d := time.Duration(ms) * time.Millisecond
			longest = max(longest, d)
			if i%2 == 0 {
				h.Add(d)
			} else {
				rest.Add(d)
			}
		}
		h.Merge(&rest)
		last := time.Duration(0)
		for q := 0.0; q <= 1; q += 0.125 {
			got := h.Quantile(q)
			if got < last {
				t.Fatalf("quantile %v is %v, less than the one before, %v", q, got, last)
			}
			last = got
		}
		if last < longest || last > max(2*longest, time.Millisecond) {
			t.Fatalf("the longest of %v is taken for %v", longest, last)
		}
	})
}
