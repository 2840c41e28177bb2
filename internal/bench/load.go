package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	seqDigits    = 10
	minBodyBytes = 200
	// answerGrace is how long the load waits for answers after its end.
	answerGrace = 30 * time.Second
	// maxBroken is how many connections may break in a row before the load
	// gives up: the process under test is gone.
	maxBroken = 20
)

// load describes requests to one endpoint: as fast as the connections allow,
// or at a fixed rate whatever the answers take.
type load struct {
	endpoint    string
	token       string
	bodyBytes   int
	connections int
	rate        int   // per second; 0: closed loop
	limit       int64 // requests in all; 0: no limit
	unrecorded  bool  // the provider shall not record these tasks

	warmup   time.Duration // not measured
	duration time.Duration // measured
}

// sample is one accepted request. Times are Unix nanoseconds, because the
// provider, another process on this machine, compares with them.
type sample struct {
	seq            int64
	sent, answered int64
}

// loadResult is what a load has seen.
type loadResult struct {
	samples  []sample
	rejected int   // answers other than 200, and broken connections
	from, to int64 // the measured window
}

// run sends the load to addr. It ends with ctx, after the duration, or at the limit.
func (l load) run(ctx context.Context, addr string) (loadResult, error) {
	begin := time.Now()
	from := begin.Add(l.warmup)
	end := from.Add(l.duration)
	var next atomic.Int64
	workers := make([]*worker, l.connections)
	errs := make([]error, l.connections)
	var wg sync.WaitGroup
	for i := range workers {
		workers[i] = &worker{load: l, addr: addr, next: &next, begin: begin, end: end, request: newRequest(l)}
		wg.Go(func() { errs[i] = workers[i].run(ctx) })
	}
	wg.Wait()
	result := loadResult{from: from.UnixNano(), to: min(end.UnixNano(), time.Now().UnixNano())}
	for _, w := range workers {
		result.samples = append(result.samples, w.samples...)
		result.rejected += w.rejected
	}
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	return result, errors.Join(errs...)
}

// worker keeps one connection busy.
type worker struct {
	load
	addr       string
	next       *atomic.Int64
	begin, end time.Time
	request    request
	conn       net.Conn
	answers    *bufio.Reader
	forget     func() bool // ends the watch that closes conn with the context
	samples    []sample
	rejected   int
}

func (w *worker) run(ctx context.Context) error {
	defer w.hangUp()
	broken := 0
	for {
		seq := w.next.Add(1) - 1
		if w.limit > 0 && seq >= w.limit {
			return nil
		}
		due, ok := w.wait(ctx, seq)
		if !ok {
			return nil
		}
		status, err := w.send(ctx, seq)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			w.hangUp()
			w.rejected++
			if broken++; broken >= maxBroken {
				return fmt.Errorf("%d requests in a row got no answer, the last one: %w", broken, err)
			}
		case status != http.StatusOK:
			w.rejected++
			broken = 0
		default:
			w.samples = append(w.samples, sample{seq: seq, sent: due.UnixNano(), answered: time.Now().UnixNano()})
			broken = 0
		}
	}
}

// wait blocks until the request is due and gives that moment. ok is false at
// the end. At a fixed rate latency counts from the due time, so that a slow
// answer shows in the requests that it delays.
func (w *worker) wait(ctx context.Context, seq int64) (due time.Time, ok bool) {
	now := time.Now()
	if ctx.Err() != nil {
		return now, false
	}
	if w.rate == 0 {
		return now, now.Before(w.end)
	}
	due = w.begin.Add(time.Duration(seq) * time.Second / time.Duration(w.rate))
	if !due.Before(w.end) {
		return due, false
	}
	if pause := due.Sub(now); pause > 0 {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return due, false
		}
	}
	return due, true
}

// send makes one request on the worker's connection and waits for the answer.
func (w *worker) send(ctx context.Context, seq int64) (status int, err error) {
	if w.conn == nil {
		if err := w.dial(ctx); err != nil {
			return 0, err
		}
	}
	if _, err := w.conn.Write(w.request.numbered(seq)); err != nil {
		return 0, err
	}
	status, closing, err := readAnswer(w.answers)
	if closing {
		w.hangUp()
	}
	return status, err
}

func (w *worker) dial(ctx context.Context) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", w.addr)
	if err != nil {
		return err
	}
	// One deadline for all requests: setting it anew for each costs more than
	// it is worth here.
	if err := conn.SetDeadline(w.end.Add(answerGrace)); err != nil {
		conn.Close()
		return err
	}
	w.conn, w.answers = conn, bufio.NewReader(conn)
	w.forget = context.AfterFunc(ctx, func() { conn.Close() })
	return nil
}

func (w *worker) hangUp() {
	if w.conn != nil {
		w.forget()
		w.conn.Close()
		w.conn = nil
	}
}

// request is the bytes of one request with its number in two places.
type request struct {
	bytes   []byte
	numbers []int // where the number's digits stand
}

func newRequest(l load) request {
	const digits = "0000000000"
	body := fmt.Sprintf(`{"ref":"bench-%s","scope":"prod","phone":"+6281234567890","seq":"%s","kind":"%s","message":"`, digits, digits, kindOf(l))
	const tail = `"}`
	body += strings.Repeat("x", max(0, l.bodyBytes-len(body)-len(tail))) + tail
	head := fmt.Sprintf("POST /api/%s HTTP/1.1\r\nHost: bench\r\nX-API-Token: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		l.endpoint, l.token, len(body))
	r := request{bytes: []byte(head + body)}
	for at := 0; ; {
		i := bytes.Index(r.bytes[at:], []byte(digits))
		if i < 0 {
			return r
		}
		r.numbers = append(r.numbers, at+i)
		at += i + len(digits)
	}
}

// kindOf is the word by which the provider knows what not to record.
func kindOf(l load) string {
	if l.unrecorded {
		return "other"
	}
	return "measured"
}

// numbered writes the number into the request. The bytes are valid until the
// next call.
func (r request) numbered(seq int64) []byte {
	var digits [seqDigits]byte
	for i := seqDigits - 1; i >= 0; i-- {
		digits[i] = byte('0' + seq%10)
		seq /= 10
	}
	for _, at := range r.numbers {
		copy(r.bytes[at:], digits[:])
	}
	return r.bytes
}
