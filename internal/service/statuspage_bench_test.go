package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

// BenchmarkStatusPage makes the largest page: 50 endpoints of three resources
// each, with a history of 90 days. "first" is the first visitor after a start,
// "again" one for whom it is made anew, and "visitor" everybody else.
func BenchmarkStatusPage(b *testing.B) {
	n := startNode(b)
	var resources, endpoints, shown []string
	for i := range dispatchapy.MaxStatusEndpoints {
		var chain []string
		for j := range 3 {
			name := fmt.Sprintf("r%d-%d", i, j)
			chain = append(chain, name)
			resources = append(resources, fmt.Sprintf(`{name: %s, url: "http://127.0.0.1:1/", health_check: {enabled: true}}`, name))
		}
		endpoints = append(endpoints, fmt.Sprintf("{path: e%d, resources: [%s]}", i, strings.Join(chain, ", ")))
		shown = append(shown, fmt.Sprintf("{path: e%d}", i))
	}
	n.apply(fmt.Sprintf("{version: 1, resources: [%s], endpoints: [%s], settings: {status_page: {enabled: true, public: true, endpoints: [%s]}}}",
		strings.Join(resources, ","), strings.Join(endpoints, ","), strings.Join(shown, ",")), service.ApplyOptions{})
	n.remember(b, 90*24*time.Hour)
	visit := func() {
		if _, err := n.StatusPage(b.Context(), service.Visitor{}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			start := newNode(b, n.store.Store, 1) // as after a restart
			start.refresh()
			page, err := start.StatusPage(b.Context(), service.Visitor{})
			if err != nil || page.Endpoints[0].Days[1].Up != 24*time.Hour {
				b.Fatalf("the history is not shown, %v", err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			n.fresh()
			visit()
		}
	})
	b.Run("visitor", func(b *testing.B) {
		for b.Loop() {
			visit()
		}
	})
}

// remember writes a history in which all resources were up.
func (n *node) remember(b *testing.B, back time.Duration) {
	b.Helper()
	const day = 24 * time.Hour
	now := time.Now()
	for _, r := range n.table.Load().Config.Resources {
		claimed, err := n.store.ClaimProbes(b.Context(), store.ProbeClaim{LeaseFor: time.Hour, ResourceIDs: []int64{r.ID}, Force: true})
		if err != nil || len(claimed.Probes) != 1 {
			continue // it is not checked
		}
		o := store.ProbeOutcome{
			Fence: claimed.Probes[0].Fence, NextIn: time.Hour,
			Health: dispatchapy.Health{ResourceID: r.ID, State: dispatchapy.HealthUp, Since: now, CheckedAt: now, CountedTo: now, HoldsUntil: now.Add(time.Hour)},
			Check:  dispatchapy.Check{ResourceID: r.ID, At: now, OK: true, State: dispatchapy.HealthUp, Method: dispatchapy.CheckSimple},
		}
		for from := now.Add(-back); from.Before(now); from = from.Add(day) {
			o.Spans = append(o.Spans, dispatchapy.Span{State: dispatchapy.HealthUp, From: from, To: from.Add(day)})
		}
		if stale, err := n.store.RecordProbes(b.Context(), []store.ProbeOutcome{o}); err != nil || len(stale) > 0 {
			b.Fatal(stale, err)
		}
	}
}
