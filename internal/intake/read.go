package intake

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

const (
	// firstRead is how much memory, in bytes, the announcement of a long body
	// is worth. More is taken as the bytes arrive.
	firstRead = 64 << 10
	// minRead is the first buffer for a body of unknown length.
	minRead = 1 << 10
	// defaultLinger is for how long the rest of a refused body is taken off
	// the line after the answer, so that the answer arrives.
	defaultLinger = time.Second
)

// readBody reads a body of up to limit bytes into memory of the budget, which
// the caller gives back. The bytes are the message's own: nothing is pooled,
// because the store and the dispatcher hold on to them.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *refusal) {
	// Fail open where the connection knows no deadlines, because the server has
	// a timeout of its own.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.opts.BodyTimeout))
	data, err := h.memory.read(http.MaxBytesReader(w, r.Body, limit), r.ContentLength)
	if err == nil {
		return data, nil // net/http lifts the deadline at the end of the body
	}
	h.memory.giveBack(data)
	h.leaveBody(w, r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refuseTooLarge(limit)
	case errors.Is(err, errNoMemory):
		return nil, refuseBusy
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refuseSlow
	default:
		return nil, refuseIncomplete
	}
}

// leaveBody prepares an answer to a request whose body is not read (to its
// end): the connection is closed after it, and soon.
func (h *Handler) leaveBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.linger))
}

// maxLinger is how much of a refused body is taken off the line, in bytes.
const maxLinger = 16 << 20

// lingerFor sees to it that a caller who asked for the connection to be closed
// gets the answer although it is still sending: closed under its hands, the
// connection would be reset and the answer lost. (Where the caller did not ask,
// net/http does the same.) leaveBody has set the time for it.
func (h *Handler) lingerFor(w http.ResponseWriter, r *http.Request) {
	if !r.Close || r.ContentLength == 0 {
		return
	}
	// Nothing depends on whether it works: the answer is out, or lost anyway.
	_ = http.NewResponseController(w).Flush()
	_, _ = io.CopyN(io.Discard, r.Body, maxLinger)
}

// budget bounds the memory of all bodies together, so that many large ones, or
// a store that does not answer, lead to refusals instead of a gateway that is
// killed for its memory.
type budget struct {
	limit int64
	used  atomic.Int64
}

var errNoMemory = errors.New("the memory for bodies is used up")

// overhead is what a request needs besides its body, in bytes, roughly.
const overhead = 4 << 10

// read reads to the end. Whatever it returns, error or not, is to be given
// back, unless it is nil.
func (b *budget) read(src io.Reader, announced int64) ([]byte, error) {
	size := int64(minRead)
	if announced >= 0 {
		size = min(announced, firstRead) + 1 // room to see the end without growing
	}
	if !b.take(size + overhead) {
		return nil, errNoMemory
	}
	data := make([]byte, 0, size)
	for {
		n, err := src.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return data, err
		}
		if len(data) == cap(data) {
			size = 2 * int64(cap(data))
			if announced >= size/2 {
				size = min(size, announced+1)
			}
			if !b.take(size - int64(cap(data))) {
				return data, errNoMemory
			}
			data = append(make([]byte, 0, size), data...)
		}
	}
}

func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return false
	}
	return true
}

// giveBack returns the memory of data, which read made.
func (b *budget) giveBack(data []byte) {
	if data != nil {
		b.used.Add(-int64(cap(data)) - overhead)
	}
}
