package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// The paths of the provider.
const (
	pathOK      = "/ok"      // answers 200 after the latency
	pathFailing = "/failing" // answers 500 at once to every fourth task, 200 to the others
	pathOther   = "/other"   // like ok, but hangs while told to

	pathReset   = "/control/reset"   // forget all records
	pathCount   = "/control/count"   // how many tasks were delivered
	pathRecords = "/control/records" // all records, binary
	pathHang    = "/control/hang"
	pathRelease = "/control/release"
)

// failEvery keeps the share of failures below what any breaker takes for an
// outage, so that the first resource is tried for every task.
const failEvery = 4

// record is what the provider knows of one task. Times are Unix nanoseconds, 0: never.
type record struct {
	Arrived  int64 // first request that succeeded
	Answered int64 // answer to it
	Failed   int64 // last answer 500
	Times    int64 // successful answers
}

// sink is a provider that is cheap to talk to and remembers everything. It
// speaks just enough HTTP/1.1 for that.
type sink struct {
	latency time.Duration

	mu        sync.Mutex
	records   []record // by sequence number
	delivered int
	hanging   chan struct{} // closed on release; nil: not hanging
}

// maxSeq bounds the memory that a confused client can ask for.
const maxSeq = 50_000_000

// serve answers connections until ctx ends.
func (s *sink) serve(ctx context.Context, l net.Listener) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		wg.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			// A broken connection is the client's business: it tries again,
			// and what it loses is counted.
			_ = s.converse(ctx, conn)
		})
	}
}

// converse answers the requests of one connection.
func (s *sink) converse(ctx context.Context, conn net.Conn) error {
	r := bufio.NewReader(conn)
	var body, answer []byte
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		fields := bytes.Fields(line)
		if len(fields) != 3 {
			return fmt.Errorf("not a request: %q", line)
		}
		path := string(fields[1])
		h, err := readHeader(r)
		if err != nil {
			return err
		}
		if h.unknown != "" {
			_, err := io.WriteString(conn, "HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			return errors.Join(err, fmt.Errorf("cannot read a body with %q", h.unknown))
		}
		body = resize(body, max(h.length, 0))
		if _, err := io.ReadFull(r, body); err != nil {
			return err
		}
		status, content := s.answer(ctx, path, body)
		answer = fmt.Appendf(answer[:0], "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", status, len(content))
		answer = append(answer, content...)
		if _, err := conn.Write(answer); err != nil || h.closing {
			return err
		}
	}
}

func resize(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

const statusOK = "200 OK"

var accepted = []byte(`{"ok":true}`)

func (s *sink) answer(ctx context.Context, path string, body []byte) (status string, content []byte) {
	switch path {
	case pathOK, pathFailing, pathOther:
		return s.deliver(ctx, path, body)
	case pathReset:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.records, s.delivered = nil, 0
	case pathCount:
		s.mu.Lock()
		defer s.mu.Unlock()
		return statusOK, strconv.AppendInt(nil, int64(s.delivered), 10)
	case pathRecords:
		s.mu.Lock()
		defer s.mu.Unlock()
		content, err := binary.Append(nil, binary.LittleEndian, s.records)
		if err != nil {
			return "500 Internal Server Error", []byte(err.Error())
		}
		return statusOK, content
	case pathHang:
		s.setHanging(true)
	case pathRelease:
		s.setHanging(false)
	default:
		return "404 Not Found", nil
	}
	return statusOK, nil
}

func (s *sink) setHanging(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case on && s.hanging == nil:
		s.hanging = make(chan struct{})
	case !on && s.hanging != nil:
		close(s.hanging)
		s.hanging = nil
	}
}

func (s *sink) deliver(ctx context.Context, path string, body []byte) (status string, content []byte) {
	arrived := time.Now()
	seq, recorded, ok := readTask(body)
	if !ok {
		return "422 Unprocessable Content", []byte(`{"error":"no sequence number"}`)
	}
	if path == pathFailing && seq%failEvery == 0 {
		s.record(seq, recorded, func(r *record) { r.Failed = time.Now().UnixNano() })
		return "500 Internal Server Error", []byte(`{"error":"failing on purpose"}`)
	}
	if path == pathOther {
		s.mu.Lock()
		hanging := s.hanging
		s.mu.Unlock()
		if hanging != nil {
			select {
			case <-hanging:
			case <-ctx.Done():
			}
		}
	}
	if s.latency > 0 {
		time.Sleep(s.latency)
	}
	s.record(seq, recorded, func(r *record) {
		if r.Times++; r.Times == 1 {
			r.Arrived, r.Answered = arrived.UnixNano(), time.Now().UnixNano()
			s.delivered++
		}
	})
	return statusOK, accepted
}

func (s *sink) record(seq int64, recorded bool, change func(*record)) {
	if !recorded {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if grow := int(seq) + 1 - len(s.records); grow > 0 {
		s.records = append(s.records, make([]record, grow)...)
	}
	change(&s.records[seq])
}

// readTask finds the sequence number in a mapped payload, and whether the task
// is to be recorded.
func readTask(body []byte) (seq int64, recorded, ok bool) {
	const key = `"seq":"`
	i := bytes.Index(body, []byte(key))
	if i < 0 || len(body) < i+len(key)+seqDigits {
		return 0, false, false
	}
	digits := body[i+len(key):][:seqDigits]
	seq, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || seq < 0 || seq > maxSeq {
		return 0, false, false
	}
	return seq, bytes.Contains(body, []byte(`"kind":"measured"`)), true
}
