package intake

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dispatchapy"
)

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// freely accepts everything.
type freely struct{}

func (freely) Submit(context.Context, dispatchapy.Submission) (dispatchapy.Receipt, error) {
	return dispatchapy.Receipt{TaskID: 7}, nil
}
func (freely) Accepted(time.Duration) {}
func (freely) Rejected(reason string) { panic(reason) }

// BenchmarkHandler measures the handler alone: no network, nothing stored.
func BenchmarkHandler(b *testing.B) {
	handler := New(Options{Snapshots: tableOf(b), Submitter: freely{}, Observer: freely{}})
	body := `{"ref":"order-2026-000123","scope":"prod","phone":"+6281234567890","text":"` + strings.Repeat("word ", 44) + `"}`
	request := httptest.NewRequest(http.MethodPost, "/api/send_sms", nil)
	request.Header = http.Header{"X-Api-Token": {shopToken}, "Content-Type": {"application/json"}}
	request.ContentLength = int64(len(body))
	reader := strings.NewReader("")
	request.Body = io.NopCloser(reader)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		clear(w.header)
		handler.ServeHTTP(w, request)
	}
}
