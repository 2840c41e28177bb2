package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// The yardsticks read a request and answer it like the gateway, behind
// net/http like the gateway. One stores nothing, which is the limit of any
// HTTP server here; the other appends to a file with group fsync, which is the
// limit of durable intake.

// storeFunc stores a body for good before it returns.
type storeFunc func(body []byte) error

// yardstick serves POST requests by storing their bodies, until ctx ends.
func yardstick(ctx context.Context, l net.Listener, store storeFunc) error {
	var id atomic.Int64
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
			if err == nil {
				err = store(body)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"status":"queued","task_id":%d}`, id.Add(1))
		}),
	}
	defer context.AfterFunc(ctx, func() { server.Close() })() //nolint:errcheck // the process ends
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func storeNothing([]byte) error { return nil }

// maxGroup bounds how much one write takes.
const maxGroup = 1024

// groupFsync appends records to a file. While one group syncs, the next one
// gathers.
type groupFsync struct {
	file    *os.File
	entries chan entry
	ended   chan struct{} // closed when nothing more will be stored
}

type entry struct {
	body   []byte
	stored chan error
}

func newGroupFsync(file *os.File) *groupFsync {
	return &groupFsync{file: file, entries: make(chan entry, maxGroup), ended: make(chan struct{})}
}

// store implements storeFunc.
func (g *groupFsync) store(body []byte) error {
	e := entry{body: body, stored: make(chan error, 1)}
	select {
	case g.entries <- e:
	case <-g.ended:
		return net.ErrClosed
	}
	select {
	case err := <-e.stored:
		return err
	case <-g.ended:
		return net.ErrClosed
	}
}

// run writes groups until ctx ends.
func (g *groupFsync) run(ctx context.Context) {
	defer close(g.ended)
	var group []entry
	var buffer []byte
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-g.entries:
			group = g.gather(append(group[:0], first))
		}
		buffer = buffer[:0]
		for _, e := range group {
			buffer = binary.AppendUvarint(buffer, uint64(len(e.body)))
			buffer = append(buffer, e.body...)
		}
		_, err := g.file.Write(buffer)
		if err == nil {
			err = g.file.Sync()
		}
		for _, e := range group {
			e.stored <- err
		}
	}
}

// gather takes what has queued up.
func (g *groupFsync) gather(group []entry) []entry {
	for len(group) < maxGroup {
		select {
		case e := <-g.entries:
			group = append(group, e)
		default:
			return group
		}
	}
	return group
}
