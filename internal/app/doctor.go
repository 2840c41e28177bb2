package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"dispatchapy"
	"dispatchapy/internal/config"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/sealer"
	"dispatchapy/internal/store/sqlite"
)

// Level says how much a finding matters.
type Level string

// The levels.
const (
	LevelOK   Level = "OK"
	LevelWarn Level = "WARN" // somebody should look at it
	LevelFail Level = "FAIL" // messages are not taken or not delivered until it is mended
)

// Finding is what one check of Examine found.
type Finding struct {
	Level  Level  `json:"level"`
	Check  string `json:"check"`
	Detail string `json:"detail"`
}

// What is normal, and from where on it is worth a word.
const (
	littleSpace  = 1 << 30  // bytes free
	noSpace      = 64 << 20 // bytes free
	longLog      = 1 << 30  // bytes of write-ahead log
	clockSlack   = time.Minute
	indexSlack   = 50_000 // tasks not in the search index yet
	longWait     = 10 * time.Minute
	reachTimeout = 3 * time.Second
	reachAtOnce  = 8 // connections
)

// Examine looks at everything that a gateway with these options depends on,
// whether it runs or not. It changes nothing, sends nothing, and connects to
// the resources in use to see whether they can be reached.
func Examine(ctx context.Context, options config.Options) []Finding {
	d := &doctor{options: options}
	if d.dataDir() {
		d.disk()
		d.running(ctx)
		d.keyFile()
		d.database(ctx)
	}
	return d.findings
}

type doctor struct {
	options  config.Options
	findings []Finding
}

func (d *doctor) say(level Level, check, format string, args ...any) {
	d.findings = append(d.findings, Finding{level, check, fmt.Sprintf(format, args...)})
}

// dataDir reports whether there is a directory to look at.
func (d *doctor) dataDir() bool {
	const check = "data directory"
	dir := d.options.DataDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.say(LevelFail, check, "%s does not exist: start the gateway once, or give --data-dir", dir)
		return false
	case err != nil:
		d.say(LevelFail, check, "%v", err)
		return false
	case !info.IsDir():
		d.say(LevelFail, check, "%s is not a directory", dir)
		return false
	}
	if err := tryWriting(dir); err != nil {
		d.say(LevelFail, check, "it cannot be written: %v", err)
		return true
	}
	if othersMay(info) {
		d.say(LevelWarn, check, "%s can be looked into by others on this machine: chmod 700", dir)
		return true
	}
	d.say(LevelOK, check, "%s", dir)
	return true
}

func tryWriting(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// othersMay reports whether anybody but the owner has access.
func othersMay(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}

func (d *doctor) disk() {
	const check = "disk space"
	free, known := freeBytes(d.options.DataDir)
	if !known {
		return
	}
	var database uint64
	if info, err := os.Stat(d.options.DatabasePath()); err == nil {
		database = uint64(info.Size())
	}
	switch {
	case free < noSpace:
		d.say(LevelFail, check, "%s free: new messages will be refused", size(free))
	case free < littleSpace:
		d.say(LevelWarn, check, "%s free", size(free))
	case free < database:
		d.say(LevelWarn, check, "%s free, less than the database has: a backup would not fit beside it", size(free))
	default:
		d.say(LevelOK, check, "%s free", size(free))
	}
}

func size(bytes uint64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}

// running asks the gateway that has left a control file.
func (d *doctor) running(ctx context.Context) {
	const check = "gateway"
	control, err := ReadControl(d.options.DataDir)
	if errors.Is(err, fs.ErrNotExist) {
		d.say(LevelWarn, check, "not running with this data directory")
		return
	}
	if err != nil {
		d.say(LevelFail, check, "%v", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, control.URL+"/readyz", nil)
	if err != nil {
		d.say(LevelFail, check, "control.json is damaged: %v", err)
		return
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.say(LevelFail, check, "does not answer at %s: it was killed, or hangs", control.URL)
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		d.say(LevelFail, check, "answers at %s, but is not ready: %s", control.URL, res.Status)
		return
	}
	d.say(LevelOK, check, "ready at %s", control.URL)
}

func (d *doctor) keyFile() {
	const check = "secret key"
	path := filepath.Join(d.options.DataDir, sealer.KeyFile)
	switch {
	case d.options.SecretKey != "":
		d.say(LevelOK, check, "from DISPATCHAPY_SECRET_KEY")
		return
	case d.options.SecretKeyFile != "":
		path = d.options.SecretKeyFile
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.say(LevelFail, check, "%s is missing: without it the configuration cannot be read", path)
	case err != nil:
		d.say(LevelFail, check, "%v", err)
	case othersMay(info):
		d.say(LevelWarn, check, "%s can be read by others on this machine: chmod 600", path)
	default:
		d.say(LevelOK, check, "%s", path)
	}
}

func (d *doctor) database(ctx context.Context) {
	const check = "database"
	archive, err := openDatabase(ctx, d.options)
	if err != nil {
		d.say(LevelFail, check, "%v", err)
		return
	}
	defer func() { _ = archive.Close() }() // it was only read
	facts, err := archive.Facts(ctx)
	if err == nil {
		err = archive.Check(ctx, true)
	}
	if err != nil {
		d.say(LevelFail, check, "%v", err)
		return
	}
	if info, err := os.Stat(d.options.DatabasePath() + "-wal"); err == nil && info.Size() > longLog {
		d.say(LevelWarn, check, "the write-ahead log has %s: something has been reading for a long time", size(uint64(info.Size())))
	} else {
		d.say(LevelOK, check, "whole, %s, %d tasks so far, configuration version %d", size(uint64(facts.Bytes)), facts.Newest, facts.ConfigVersion)
	}
	d.clock(facts, time.Now())
	d.index(ctx, archive, facts)
	snapshot, err := openStored(ctx, d.options, archive)
	if err != nil {
		d.say(LevelFail, "configuration", "%v", err)
		return
	}
	d.say(LevelOK, "configuration", "the secret key opens it")
	d.endpoints(snapshot.Config)
	d.backlog(ctx, archive, snapshot)
	d.resources(ctx, snapshot)
}

func (d *doctor) clock(facts sqlite.Facts, now time.Time) {
	if ahead := facts.Clock.Sub(now); ahead > clockSlack {
		d.say(LevelWarn, "clock", "this machine's clock is %s behind the database's: was it set back? What is due keeps its time, what is shown does not", ahead.Round(time.Second))
		return
	}
	d.say(LevelOK, "clock", "%s", now.UTC().Format(time.RFC3339))
}

func (d *doctor) index(ctx context.Context, archive *sqlite.Archive, facts sqlite.Facts) {
	const check = "search index"
	indexed, err := archive.Indexed(ctx)
	switch behind := facts.Newest - indexed; {
	case err != nil:
		d.say(LevelWarn, check, "cannot be read, and will be made anew: %v", err)
	case behind > indexSlack:
		d.say(LevelWarn, check, "%d tasks behind: searching for text is slower until it has caught up", behind)
	default:
		d.say(LevelOK, check, "up to task %d of %d", indexed, facts.Newest)
	}
}

func (d *doctor) endpoints(cfg *dispatchapy.Config) {
	const check = "endpoints"
	readiness, ready := cfg.ReadinessIndex(), 0
	for i := range cfg.Endpoints {
		e := &cfg.Endpoints[i]
		switch words := readiness.Of(e); {
		case !e.IsActive():
		case words == dispatchapy.ReadinessReady:
			ready++
		default:
			d.say(LevelWarn, check, "%s: %s", e.Path, words)
		}
	}
	level := LevelOK
	if ready == 0 {
		level = LevelWarn
	}
	d.say(level, check, "%d of %d active and ready", ready, len(cfg.Endpoints))
}

func (d *doctor) backlog(ctx context.Context, archive *sqlite.Archive, snapshot *routing.Snapshot) {
	const check = "waiting tasks"
	lanes, err := archive.Backlog(ctx)
	if err != nil {
		d.say(LevelFail, check, "%v", err)
		return
	}
	waiting := 0
	for _, lane := range lanes {
		waiting += lane.Tasks
		path := "a deleted endpoint"
		if e := snapshot.EndpointByID(lane.EndpointID); e != nil {
			path = e.Path
		}
		if age := time.Since(lane.Oldest); age > longWait {
			d.say(LevelWarn, check, "%s: %d, the oldest since %s", path, lane.Tasks, age.Round(time.Second))
		}
	}
	d.say(LevelOK, check, "%d", waiting)
}

// resources connects to every resource that an endpoint uses.
func (d *doctor) resources(ctx context.Context, snapshot *routing.Snapshot) {
	client := deliver.NewClient(deliver.Options{AllowPrivate: func() bool { return snapshot.Config.Settings.Outbound.AllowPrivate }})
	defer client.Close()
	used := inUse(snapshot)
	results := make([]deliver.Result, len(used))
	var wait sync.WaitGroup
	slots := make(chan struct{}, reachAtOnce)
	for i, r := range used {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			results[i] = reach(ctx, client, r)
		})
	}
	wait.Wait()
	reached := 0
	for i, r := range used {
		if results[i].Outcome == dispatchapy.OutcomeDelivered {
			reached++
			continue
		}
		d.say(LevelWarn, "resources", "%s cannot be reached: %s", r.Name, results[i].Detail)
	}
	d.say(LevelOK, "resources", "%d of %d in use can be reached", reached, len(used))
}

func reach(ctx context.Context, client *deliver.Client, r *routing.Resource) deliver.Result {
	addr, err := r.Target.Addr()
	if err != nil {
		return deliver.Result{Detail: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	return client.Dial(ctx, addr)
}

// inUse gives the active resources of active endpoints, by name.
func inUse(snapshot *routing.Snapshot) []*routing.Resource {
	seen := map[*routing.Resource]bool{}
	var used []*routing.Resource
	for _, e := range snapshot.Endpoints {
		for _, route := range e.Routes {
			if r := route.Resource; e.IsActive() && r.IsActive() && !seen[r] {
				seen[r] = true
				used = append(used, r)
			}
		}
	}
	slices.SortFunc(used, func(a, b *routing.Resource) int { return strings.Compare(a.Name, b.Name) })
	return used
}
