package sqlite

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Every page is found through an index that gives the order as well: nothing
// is sorted, and the table is walked only where no condition has an index.
func TestPagesUseIndexes(t *testing.T) {
	s := openTest(t)
	for name, c := range map[string]struct {
		filter store.TaskFilter
		want   string
	}{
		"everything":   {store.TaskFilter{}, "SEARCH tasks USING INTEGER PRIMARY KEY"},
		"success":      {store.TaskFilter{Statuses: []dispatchapy.Status{"success"}}, "SEARCH tasks USING INTEGER PRIMARY KEY"},
		"other status": {store.TaskFilter{Statuses: []dispatchapy.Status{"held", "pending"}}, "USING INDEX tasks_unsuccessful (status=? AND rowid>? AND rowid<?)"},
		"client":       {store.TaskFilter{ClientIDs: []int64{1, 2}}, "USING INDEX tasks_client (client_id=? AND rowid>? AND rowid<?)"},
		"endpoint":     {store.TaskFilter{EndpointIDs: []int64{1}, Ref: "r"}, "USING INDEX tasks_endpoint (endpoint_id=? AND rowid>? AND rowid<?)"},
		"resource":     {store.TaskFilter{ResourceIDs: []int64{1}, Since: time.Now()}, "USING INDEX tasks_resource (resource_id=? AND rowid>? AND rowid<?)"},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.snapshot(t.Context(), func(tx *sql.Tx) error {
				w := walk{ctx: t.Context(), tx: tx, lead: append(leadsOf(&c.filter), everyTask)[0], conditions: conditionsOf(&c.filter)}
				query, args := w.query(idRange{1, 100}, 10)
				checkPlan(t, tx, query, append(w.lead.each()[0], args...), c.want)
				reach := slices.Concat(w.lead.each()[0], []any{1, 100, 10})
				checkPlan(t, tx, "SELECT id FROM "+w.lead.from+" WHERE "+w.lead.where+reachQuery, reach,
					strings.Replace(c.want, "USING INDEX", "USING COVERING INDEX", 1))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func checkPlan(t *testing.T, tx *sql.Tx, query string, args []any, want string) {
	t.Helper()
	rows, err := tx.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	steps, err := collect(rows, err, func(rows *sql.Rows) (step string, err error) {
		var skip int
		err = rows.Scan(&skip, &skip, &skip, &step)
		return step, err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if len(steps) != 1 || !strings.Contains(steps[0], want) {
		t.Errorf("plan %q, want the one step %q", steps, want)
	}
}

// A rare combination among many tasks takes several pages of bounded work, and
// is found to the end.
func TestRareCombinationIsFoundInBoundedSteps(t *testing.T) {
	s := openTest(t)
	s.index.stop() // it would find the ref in fewer pages
	total := 3 * pageBudget.rows
	var want []int64
	for first := 0; first < total; first += 1000 {
		tasks := make([]store.NewTask, 1000)
		for i := range tasks {
			tasks[i] = task("r")
			tasks[i].EndpointID = int64(1 + i%2)
			if (first+i)%15_000 == 7 {
				tasks[i].Ref = "rare"
				want = append(want, int64(first+i+1))
			}
		}
		if _, err := s.InsertTasks(t.Context(), tasks); err != nil {
			t.Fatal(err)
		}
	}
	slices.Reverse(want)
	pages, got := 0, []int64(nil)
	for q := (store.TaskQuery{Filter: store.TaskFilter{EndpointIDs: []int64{1, 2}, Ref: "rare"}, Limit: 50}); pages == 0 || q.Before > 0; pages++ {
		page, err := s.ListTasks(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Tasks {
			got = append(got, page.Tasks[i].ID)
		}
		q.Before = page.Next
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if pages != 3 && pages != 4 {
		t.Errorf("found in %d pages, want as many as the budget makes of all tasks", pages)
	}
}

func TestPagesAreBoundedInSize(t *testing.T) {
	s := openTest(t)
	big := task("big")
	big.Source = []byte(`"` + strings.Repeat("x", pageBytes/3) + `"`)
	const total = 10
	for i := range total {
		big.EndpointID = int64(1 + i%2)
		if _, err := s.InsertTasks(t.Context(), []store.NewTask{big}); err != nil {
			t.Fatal(err)
		}
	}
	for name, filter := range map[string]store.TaskFilter{
		"one walk":  {},
		"two walks": {EndpointIDs: []int64{1, 2}},
		"text":      {Text: "xxx"},
	} {
		t.Run(name, func(t *testing.T) {
			want := int64(total)
			for q := (store.TaskQuery{Filter: filter, Limit: total}); ; {
				page, err := s.ListTasks(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Tasks) > 6 {
					t.Errorf("a page has %d tasks of %d bytes", len(page.Tasks), len(big.Source))
				}
				for i := range page.Tasks {
					if page.Tasks[i].ID != want {
						t.Fatalf("got task %d, want %d", page.Tasks[i].ID, want)
					}
					want--
				}
				if q.Before = page.Next; page.Next == 0 {
					break
				}
			}
			if want != 0 {
				t.Errorf("the pages ended before task %d", want)
			}
		})
	}
}

// Tasks that were created by a clock that was set back and forth are found by
// the time that they carry.
func TestTimesAreFoundWhateverTheClockDid(t *testing.T) {
	s := openTest(t)
	at := func(minutes int) time.Time { return time.Date(2026, 1, 2, 3, minutes, 0, 0, time.UTC) }
	created := []int{10, 10, 11, 13, 5, 6, 10, 20, 20, 12}
	for _, m := range created {
		commitAt(t, s, at(m).Add(30*time.Second))
	}
	for _, c := range []struct{ since, until int }{{10, 11}, {5, 6}, {0, 60}, {14, 19}, {12, 21}, {21, 30}, {0, 5}, {10, 0}, {0, 11}} {
		var want []int64
		filter := store.TaskFilter{}
		if c.since > 0 {
			filter.Since = at(c.since)
		}
		if c.until > 0 {
			filter.Until = at(c.until)
		}
		for i, m := range created {
			if m >= c.since && (c.until == 0 || m < c.until) {
				want = append(want, int64(i+1))
			}
		}
		slices.Reverse(want)
		page, err := s.ListTasks(t.Context(), store.TaskQuery{Filter: filter, Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for i := range page.Tasks {
			got = append(got, page.Tasks[i].ID)
		}
		if !slices.Equal(got, want) || page.Next != 0 {
			t.Errorf("from minute %d to %d: tasks %v (next %d), want %v", c.since, c.until, got, page.Next, want)
		}
	}
}

// commitAt inserts a task as if the wall clock said so.
func commitAt(t *testing.T, s *Store, wall time.Time) {
	t.Helper()
	insertTask := newInsert(&store.NewTask{Submission: task("r").Submission}, s.clock)
	err := s.writes.Do(t.Context(), func(tx *tx) error {
		tx.wall = wall.UnixMicro()
		_, err := insertTask.run(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRetentionForgetsMinutes(t *testing.T) {
	s := openTest(t)
	start := time.Now().Add(-time.Hour)
	for m := range 10 {
		commitAt(t, s, start.Add(time.Duration(m)*time.Minute))
	}
	execute(t, s, "UPDATE tasks SET status = 'success', finished_at = created_at WHERE id <= 7")
	if n, err := s.DeleteFinished(t.Context(), 0, 100); n != 7 || err != nil {
		t.Fatalf("DeleteFinished = %d, %v, want 7", n, err)
	}
	var left int
	if err := s.read.QueryRowContext(t.Context(), "SELECT count(*) FROM task_minutes").Scan(&left); err != nil || left != 3 {
		t.Errorf("%d minutes are remembered (%v), want those of the 3 tasks left", left, err)
	}
}

// Tasks that are imported between others in one batch are found by their time,
// and so are the others, even when what came before is forgotten.
func TestImportAmongNewTasks(t *testing.T) {
	s := openTest(t)
	ids := make([]int64, 3)
	insertNew := func(id *int64) operation {
		in := newInsert(&store.NewTask{Submission: task("new").Submission}, s.clock)
		return func(tx *tx) error {
			result, err := in.run(tx)
			*id = result.TaskID
			return err
		}
	}
	old := store.TaskDetail{Task: dispatchapy.Task{Status: dispatchapy.StatusStopped, CreatedAt: time.Now().Add(-48 * time.Hour)}}
	importOld := func(tx *tx) (err error) { ids[1], err = importTask(tx, &old); return err }
	errs := make([]error, 3)
	s.commit([]operation{insertNew(&ids[0]), importOld, insertNew(&ids[2])}, errs) // the writer is idle
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TransitionTasks(t.Context(), ids[:1], store.Transition{Action: dispatchapy.ActionDelete}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteFinished(t.Context(), time.Hour, 10); err != nil {
		t.Fatal(err)
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	for name, c := range map[string]struct {
		f    store.TaskFilter
		want []int64
	}{
		"new": {store.TaskFilter{Since: yesterday}, []int64{ids[2]}},
		"old": {store.TaskFilter{Until: yesterday}, []int64{ids[1]}},
	} {
		page, err := s.ListTasks(t.Context(), store.TaskQuery{Filter: c.f, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, task := range page.Tasks {
			got = append(got, task.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
