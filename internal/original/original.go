// Package original reads the SQLite database of the original Dispatchapy
// (version 1.2.1), so that a gateway can be moved over with everything it has:
// resources, endpoints, rules, clients with the same tokens, settings, tasks
// and their history.
//
// Databases that have been in use are not clean: they hold links to what was
// deleted, paths that cannot be called, values out of every range. Nothing of
// it is an error here. What this gateway would refuse is mended or left out,
// and every such decision is reported. Only a file that is not the original's,
// or cannot be read at all, is refused, before anything is taken from it.
package original

import (
	"context"
	"slices"
	"time"

	"dispatchapy"
)

// Import is what a database holds. It is not for concurrent use.
type Import struct {
	// Config is normalised and valid. Clients have the hash of their token.
	Config *dispatchapy.Config

	// Checks is the history of the health checks, oldest first, at most
	// maxChecks for each resource.
	Checks []Check

	// TaskCount is how many tasks the file had when it was opened.
	TaskCount int64

	file      string
	world     world
	now       time.Time
	mended    []string
	inHistory []string // what the latest complete run of Tasks mended
}

// Task is one task with its history. The objects that it belongs to are given
// by name; a name that Config does not have is that of a deleted object. The
// ids in Task.Task, and those in its attempts, are 0.
type Task struct {
	ID       int64 // in the original, where callers were told this number
	Task     dispatchapy.Task
	Client   string // "" if the original did not know it either
	Endpoint string // path; never ""
	Resource string // of the latest attempt; "" before the first
	Attempts []Attempt
	Log      []dispatchapy.LogEntry
}

// Attempt is one request of a task. Its duration is 0: the original did not
// measure it.
type Attempt struct {
	dispatchapy.Attempt
	Resource string // name
}

// Check is one health check. Its id and resource id are 0.
type Check struct {
	dispatchapy.Check
	Resource string // name
}

// Read reads the configuration and the history of the checks. Tasks, of which
// there may be millions, are read one by one from Import.Tasks.
//
// The file is never written to. The original may be running meanwhile; what it
// accepts after Tasks has come to the end is missing from the result, and what
// it still has to send would be sent by both.
//
// The error is a *dispatchapy.Error with CodeNotFound if there is no such
// file, and with CodeInvalid if it is damaged or not the original's.
func Read(ctx context.Context, path string) (*Import, error) {
	f, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := f.checkDamage(ctx); err != nil {
		return nil, f.failure(err)
	}
	r := &reader{
		file:   f,
		now:    time.Now().UTC(),
		config: &dispatchapy.Config{},
		world:  newWorld(),
		dead:   newTally(),
	}
	if err := r.read(ctx); err != nil {
		return nil, f.failure(err)
	}
	im := &Import{Config: r.config, Checks: r.checks, file: path, world: r.world, now: r.now}
	im.mended = slices.Concat(r.notes, r.dead.lines())
	if im.TaskCount, err = f.count(ctx, "SELECT count(*) FROM tasks"); err != nil {
		return nil, f.failure(err)
	}
	return im, nil
}

// Mended says in one line each what was wrong with the file and what was done
// about it. What concerns tasks is told once Tasks has been read to the end.
// It contains no secrets.
func (im *Import) Mended() []string {
	return slices.Concat(im.mended, im.inHistory)
}

// reader turns the rows of the configuration into a Config.
type reader struct {
	file   *file
	now    time.Time
	config *dispatchapy.Config
	checks []Check
	world  world
	notes  []string
	dead   *tally // rows that lead nowhere
}

func (r *reader) read(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		r.readSettings,
		r.readResources,
		r.readEndpoints, r.readResourceLinks, r.readMapping, r.readEndpointRules,
		r.readClients, r.readClientLinks, r.readClientRules,
		r.readChecks,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	r.settleMappings()
	r.settleDevelopment()
	for _, table := range historyTables {
		if !r.file.tables[table] && table != oldLogTable {
			r.note("the table %s is missing: what it would hold is not brought over", table)
		}
	}
	r.config.Normalize()
	return r.config.Validate()
}

// world knows what has become of the original's objects.
type world struct{ resources, endpoints, clients map[int64]object }

func newWorld() world {
	return world{resources: map[int64]object{}, endpoints: map[int64]object{}, clients: map[int64]object{}}
}

// object is one object of the configuration.
type object struct {
	was   string    // its name in the original
	name  string    // its name now
	since time.Time // when it was created; zero if unknown
	index int       // in the list of its kind, until the configuration is normalised
}

// resolve gives the name under which something of the past belongs to an
// object, and whether that object still exists.
//
// The original gives the id of a deleted object to the next one. What is older
// than the object with its id, and recorded under another name, is that of a
// predecessor; without this, a client would come to see another's tasks.
func resolve(objects map[int64]object, id int64, recorded string, at time.Time) (name string, exists bool) {
	o, ok := objects[id]
	if ok && (recorded == "" || recorded == o.was || at.IsZero() || !o.since.After(at)) {
		return o.name, true
	}
	return cleanName(recorded, ""), false
}
