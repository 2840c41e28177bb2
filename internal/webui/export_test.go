package webui

import "time"

// Routes lists the pages as "METHOD path", for the authorisation matrix.
func Routes() []string {
	var out []string
	for _, r := range (&UI{}).routes() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// BulkFor changes how long one request acts on tasks, and gives what takes that
// back.
func BulkFor(d time.Duration) (restore func()) {
	before := bulkFor
	bulkFor = d
	return func() { bulkFor = before }
}

// Heartbeat changes how often streams look at their session, and gives what
// takes that back.
func Heartbeat(d time.Duration) (restore func()) {
	before := heartbeat
	heartbeat = d
	return func() { heartbeat = before }
}
