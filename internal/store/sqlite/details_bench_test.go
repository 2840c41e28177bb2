package sqlite

import (
	"slices"
	"testing"

	"dispatchapy"
)

// BenchmarkDetailsCost compares whole lives of tasks whose attempts are kept
// with their exchange and without, in turns. Run it with -benchtime 40000x.
func BenchmarkDetailsCost(b *testing.B) {
	without, with := benchStore(b, "SELECT 1"), benchStore(b, "SELECT 1")
	const round = 1000
	var ratios []float64
	lives := func(s *Store, x *dispatchapy.Exchange) float64 {
		benchExchange = x
		return float64(took(b, s, round))
	}
	for range max(b.N/round, 1) {
		without := lives(without, nil)
		ratios = append(ratios, lives(with, typicalExchange)/without)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "median-cost")
}

// benchExchange is what the attempts of life have.
var benchExchange *dispatchapy.Exchange

var typicalExchange = &dispatchapy.Exchange{
	Method: "POST",
	URL:    "https://api.provider.example/v2/messages?channel=5",
	Request: []dispatchapy.Header{
		{Name: "Accept-Encoding", Value: "gzip"}, {Name: "Authorization", Value: dispatchapy.Redacted},
		{Name: "Content-Type", Value: "application/json"}, {Name: "Idempotency-Key", Value: "0b51ff36-2a9c-5b0c-9f0d-0e1a2b3c4d5e"},
		{Name: "User-Agent", Value: "Dispatchapy/2.0.0"},
	},
	Response: []dispatchapy.Header{
		{Name: "Content-Length", Value: "11"}, {Name: "Content-Type", Value: "application/json"},
		{Name: "Date", Value: "Mon, 02 Jan 2006 15:04:05 GMT"}, {Name: "Server", Value: "nginx"},
		{Name: "X-Request-Id", Value: "b0c8d9a7f1e24e4c"},
	},
}
