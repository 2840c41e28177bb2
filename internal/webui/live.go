package webui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// heartbeat is how often a stream says something, so that proxies keep it and
// both ends notice when the other has gone. As often the session is looked at
// again, however much there is to say.
var heartbeat = 15 * time.Second

// slowest is how long a browser may take to take one message.
const slowest = 10 * time.Second

// liveEvent is a change as the scripts of the pages get it. Pages fetch what
// they show of it as ever: an event has ids and states, and nothing to hide.
type liveEvent struct {
	Kind  string `json:"kind"`
	ID    int64  `json:"id,omitempty"`
	State string `json:"state,omitempty"`
}

// stream tells a browser what changes, as server-sent events, until the session
// or the server ends. A browser that comes back says where it was.
func (ui *UI) stream(c *call) error {
	from := c.r.Header.Get("Last-Event-ID")
	if from == "" {
		from = c.query("from") // of the page, from before it was made
	}
	watch, err := ui.service.Watch(c.ctx(), c.who, from)
	if err != nil {
		return err
	}
	defer watch.Close()
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that gathers would defeat it
	s := &stream{w: c.w, control: http.NewResponseController(c.w)}
	if err := s.control.SetReadDeadline(time.Time{}); err != nil { // the server's is for requests
		return err
	}
	// What was read so far is the first position to come back to.
	if err := s.send(watch.Position(), nil); err != nil {
		return nil
	}
	looked := time.Now()
	for ui.life.Err() == nil {
		changes, err := ui.next(c, watch)
		if time.Since(looked) >= heartbeat {
			if c.identify() != nil {
				return nil // signed out: the script asks again, and is refused
			}
			looked = time.Now()
		}
		switch {
		case errors.Is(err, context.DeadlineExceeded) && c.ctx().Err() == nil && ui.life.Err() == nil:
			err = s.beat()
		case err != nil:
			return nil
		default:
			err = s.send(changes.Position, eventsOf(changes))
		}
		if err != nil {
			return nil // the browser has gone, or is too slow and comes back by itself
		}
	}
	return nil
}

// next waits for changes, at most until the next heartbeat.
func (ui *UI) next(c *call, watch service.ChangeReader) (dispatchapy.Changes, error) {
	ctx, cancel := context.WithTimeout(c.ctx(), heartbeat)
	defer cancel()
	stop := context.AfterFunc(ui.life, cancel)
	defer stop()
	return watch.Next(ctx)
}

func eventsOf(changes dispatchapy.Changes) []liveEvent {
	if changes.Resync {
		return []liveEvent{{Kind: "resync"}}
	}
	events := make([]liveEvent, len(changes.List))
	for i, change := range changes.List {
		events[i] = liveEvent{Kind: string(change.Kind), ID: change.ID, State: change.State}
	}
	return events
}

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// send writes a batch of events under one id, so that none of it is lost or
// seen twice when the connection breaks in between.
func (s *stream) send(id string, events []liveEvent) error {
	if events == nil {
		events = []liveEvent{}
	}
	data, err := json.Marshal(events)
	if err != nil {
		return err
	}
	return s.write(fmt.Sprintf("id: %s\ndata: %s\n\n", id, data))
}

// beat writes a comment, which scripts do not see.
func (s *stream) beat() error { return s.write(": still here\n\n") }

func (s *stream) write(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(slowest)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
