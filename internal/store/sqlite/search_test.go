package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/storetest"
)

// byIndex is a store that searches with its index even among a handful of
// tasks. The index is in another state at every search: new tasks are in it,
// or only half of them, or their attempts are not yet.
type byIndex struct {
	*Store
	mu    sync.Mutex
	calls int
}

func openByIndex(t testing.TB, path string) *byIndex {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	s.index.stop() // the test does the steps
	s.budget = budget{rows: 3, text: 3}
	return &byIndex{Store: s}
}

func (s *byIndex) ListTasks(ctx context.Context, q store.TaskQuery) (store.TaskPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls%3 != 0 {
		if _, err := s.index.step(ctx); err != nil {
			return store.TaskPage{}, fmt.Errorf("step of the index: %w", err)
		}
	}
	return s.Store.ListTasks(ctx, q)
}

// catchUp indexes everything.
func (s *byIndex) catchUp(t testing.TB) {
	t.Helper()
	for {
		rest, err := s.index.step(t.Context())
		if err != nil {
			t.Fatalf("step of the index: %v", err)
		}
		if rest == indexPause && s.index.mark.indexed == s.index.head && len(s.index.dirty) == 0 {
			return
		}
	}
}

func TestSearchByIndex(t *testing.T) {
	storetest.RunSearch(t, func(t testing.TB) store.Store {
		return openByIndex(t, filepath.Join(t.TempDir(), "dispatchapy.db"))
	})
}

func TestSearchByIndexReopened(t *testing.T) {
	storetest.RunReopen(t, func(t testing.TB) func() store.Store {
		path := filepath.Join(t.TempDir(), "dispatchapy.db")
		return func() store.Store { return openByIndex(t, path) }
	})
}

// someText inserts tasks of which every third is found by the text.
func someText(t testing.TB, s store.Store, n int, text string) (found []int64) {
	t.Helper()
	tasks := make([]store.NewTask, n)
	for i := range tasks {
		source := fmt.Sprintf(`{"n":%d}`, i)
		if i%3 == 0 {
			source = fmt.Sprintf(`{"n":%d,"text":%q}`, i, text)
		}
		tasks[i] = store.NewTask{
			Submission: dispatchapy.Submission{EndpointID: 1, ClientID: 1, Ref: fmt.Sprintf("ref-%d", i), Scope: "test", Source: []byte(source)},
			LeaseFor:   time.Hour,
		}
	}
	results, err := s.InsertTasks(t.Context(), tasks)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if i%3 == 0 {
			found = append(found, r.TaskID)
		}
	}
	slices.Reverse(found)
	return found
}

// found lists the tasks of a filter to the end.
func found(t testing.TB, s *byIndex, f store.TaskFilter) (ids []int64) {
	t.Helper()
	q := store.TaskQuery{Filter: f, Limit: 7}
	for {
		page, err := s.Store.ListTasks(t.Context(), q)
		if err != nil {
			t.Error(err)
			return nil
		}
		for _, task := range page.Tasks {
			ids = append(ids, task.ID)
		}
		if page.Next == 0 {
			return ids
		}
		q.Before = page.Next
	}
}

func wantFound(t testing.TB, s *byIndex, text string, want []int64) {
	t.Helper()
	if got := found(t, s, store.TaskFilter{Text: text}); !slices.Equal(got, want) {
		t.Errorf("tasks with %q are %v, want %v", text, got, want)
	}
}

// The index is used: a page of a rare text needs no other page before it.
func TestIndexAnswersInOnePage(t *testing.T) {
	s := openByIndex(t, filepath.Join(t.TempDir(), "dispatchapy.db"))
	defer s.Close()
	rare := someText(t, s, 1, "a rare bird")
	someText(t, s, 3000, "common")
	s.catchUp(t)
	if age := time.Since(time.UnixMicro(s.index.mark.settled)); age > time.Minute {
		t.Errorf("after catching up the index is settled as of %v ago", age)
	}
	page, err := s.Store.ListTasks(t.Context(), store.TaskQuery{Filter: store.TaskFilter{Text: "RARE"}, Limit: 10})
	if err != nil || len(page.Tasks) != 1 || page.Tasks[0].ID != rare[0] || page.Next != 0 {
		t.Errorf("the first page of a rare text has %d tasks, next %d, %v", len(page.Tasks), page.Next, err)
	}
	page, err = s.Store.ListTasks(t.Context(), store.TaskQuery{Filter: store.TaskFilter{Ref: "ref-17"}, Limit: 10})
	if err != nil || len(page.Tasks) != 1 || page.Next != 0 {
		t.Errorf("the first page of a ref has %d tasks, next %d, %v", len(page.Tasks), page.Next, err)
	}
	page, err = s.Store.ListTasks(t.Context(), store.TaskQuery{Filter: store.TaskFilter{Text: "absent"}, Limit: 10})
	if err != nil || len(page.Tasks) != 0 || page.Next != 0 {
		t.Errorf("the first page of an absent text has %d tasks, next %d, %v", len(page.Tasks), page.Next, err)
	}
}

// What happened between the last step of the index and the end of the process
// is found after the next start.
func TestIndexAfterCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dispatchapy.db")
	s := openByIndex(t, path)
	ids := someText(t, s, 9, "before")
	s.catchUp(t)
	outcomes := []store.Outcome{}
	for i, status := range []dispatchapy.Status{dispatchapy.StatusSuccess, dispatchapy.StatusFailed, dispatchapy.StatusPending} {
		outcomes = append(outcomes, store.Outcome{
			Lease: store.Lease{TaskID: ids[i], Fence: 1}, Status: status,
			Attempts: []dispatchapy.Attempt{{Number: 1, ResourceID: 1, RequestBody: []byte(`{"t":"sent at last"}`), StartedAt: time.Now()}},
		})
	}
	if stale, err := s.RecordOutcomes(t.Context(), outcomes); err != nil || len(stale) != 0 {
		t.Fatal(stale, err)
	}
	wantFound(t, s, "sent at last", ids)
	if _, err := s.TransitionTasks(t.Context(), ids[2:], store.Transition{Action: dispatchapy.ActionStop}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openByIndex(t, path)
	defer s.Close()
	wantFound(t, s, "sent at last", ids)
	if _, err := s.index.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFound(t, s, "sent at last", ids)
	s.catchUp(t)
	wantFound(t, s, "sent at last", ids)
}

// Large payloads are indexed a few at a time.
func TestIndexStepsAreBounded(t *testing.T) {
	s := openByIndex(t, filepath.Join(t.TempDir(), "dispatchapy.db"))
	defer s.Close()
	ids := someText(t, s, 18, "before")
	s.catchUp(t)
	var outcomes []store.Outcome
	for _, id := range ids {
		outcomes = append(outcomes, store.Outcome{
			Lease: store.Lease{TaskID: id, Fence: 1}, Status: dispatchapy.StatusSuccess,
			Attempts: []dispatchapy.Attempt{{Number: 1, RequestBody: []byte(strings.Repeat("large ", indexBytes/6/2) + "payload"), StartedAt: time.Now()}},
		})
	}
	if stale, err := s.RecordOutcomes(t.Context(), outcomes); err != nil || len(stale) != 0 {
		t.Fatal(stale, err)
	}
	settled := s.index.mark.settled
	for left := len(ids) - 2; left > 0; left -= 2 {
		if _, err := s.index.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.index.dirty) > left+1 || len(s.index.dirty) < left-1 {
			t.Fatalf("%d tasks are left to be indexed again, want about %d", len(s.index.dirty), left)
		}
		if s.index.mark.settled != settled {
			t.Fatal("an index that lacks attempts claims to be settled")
		}
		wantFound(t, s, "large payload", ids)
	}
	s.catchUp(t)
	wantFound(t, s, "large payload", ids)
}

// A task is found from the moment at which it, or its attempt, is acknowledged,
// whatever the indexer is doing.
func TestSearchWhileIndexing(t *testing.T) {
	s := openByIndex(t, filepath.Join(t.TempDir(), "dispatchapy.db"))
	defer s.Close()
	written := make(chan struct{})
	var indexing sync.WaitGroup
	indexing.Go(func() {
		for {
			select {
			case <-written:
				return
			default:
			}
			if _, err := s.index.step(t.Context()); err != nil {
				t.Errorf("step of the index: %v", err)
				return
			}
		}
	})
	var writing sync.WaitGroup
	for i := range 4 {
		writing.Go(func() {
			for j := range 25 {
				writeAndSearch(t, s, fmt.Sprintf("writer %d text %d.", i, j))
			}
		})
	}
	writing.Wait()
	close(written)
	indexing.Wait()
}

func writeAndSearch(t *testing.T, s *byIndex, text string) {
	results, err := s.InsertTasks(t.Context(), []store.NewTask{{
		Submission: dispatchapy.Submission{EndpointID: 1, ClientID: 1, Ref: "r", Source: fmt.Appendf(nil, "{%q:1}", text)},
		LeaseFor:   time.Hour,
	}})
	if err != nil {
		t.Errorf("insert: %v", err)
		return
	}
	lease := results[0].Leased.Lease
	wantFound(t, s, text, []int64{lease.TaskID})
	stale, err := s.RecordOutcomes(t.Context(), []store.Outcome{{Lease: lease, Status: dispatchapy.StatusSuccess, Attempts: []dispatchapy.Attempt{
		{Number: 1, RequestBody: []byte("sent by " + text), StartedAt: time.Now()},
	}}})
	if err != nil || len(stale) != 0 {
		t.Errorf("outcome: %v, %v", stale, err)
	}
	wantFound(t, s, "sent by "+text, []int64{lease.TaskID})
}

// Whatever happens to the index file, it is built anew.
func TestIndexIsReplaceable(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, path string){
		"missing": func(t *testing.T, path string) { removeIndex(t, path) },
		"garbage": func(t *testing.T, path string) {
			removeIndex(t, path)
			if err := os.WriteFile(path, []byte(strings.Repeat("garbage ", 4096)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"of another database": func(t *testing.T, path string) { changeIndex(t, path, "UPDATE mark SET owner = 'x', indexed = 1000") },
		"of another format":   func(t *testing.T, path string) { changeIndex(t, path, "UPDATE mark SET format = 'x', indexed = 1000") },
		"of a later state":    func(t *testing.T, path string) { changeIndex(t, path, "UPDATE mark SET indexed = 1000") },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dispatchapy.db")
			s := openByIndex(t, path)
			want := someText(t, s, 30, "a text")
			s.catchUp(t)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			harm(t, filepath.Join(filepath.Dir(path), "dispatchapy.search.db"))
			s = openByIndex(t, path)
			defer s.Close()
			wantFound(t, s, "a text", want)
			s.catchUp(t)
			wantFound(t, s, "a text", want)
			if got := len(s.index.file.tables); got != 1 {
				t.Errorf("the index has %d partitions, want 1", got)
			}
		})
	}
}

func removeIndex(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func changeIndex(t *testing.T, path, query string) {
	t.Helper()
	db := connect(path, nil, 1)
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A step that fails leaves every task to be found in the rows.
func TestIndexCannotBeWritten(t *testing.T) {
	s := openByIndex(t, filepath.Join(t.TempDir(), "dispatchapy.db"))
	defer s.Close()
	want := someText(t, s, 30, "a text")
	s.catchUp(t)
	want = append(someText(t, s, 30, "a text"), want...)
	if _, err := s.index.file.write.Exec("PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.index.step(t.Context()); err == nil && s.index.head == s.index.mark.indexed {
			t.Fatal("an index that cannot be written was written")
		}
	}
	wantFound(t, s, "a text", want)
	if _, err := s.index.file.write.Exec("PRAGMA query_only = 0"); err != nil {
		t.Fatal(err)
	}
	s.catchUp(t)
	wantFound(t, s, "a text", want)
}

// Too many tasks with new attempts take the index back instead of filling
// memory.
func TestIndexForgetsDirtyTasks(t *testing.T) {
	s := openByIndex(t, filepath.Join(t.TempDir(), "dispatchapy.db"))
	defer s.Close()
	want := someText(t, s, 30, "a text")
	s.catchUp(t)
	for id := range int64(maxDirty) {
		s.index.dirty[-id] = struct{}{}
	}
	s.index.touch([]store.Outcome{{Lease: store.Lease{TaskID: 10}, Attempts: make([]dispatchapy.Attempt, 1)}})
	if got := s.index.mark.indexed; got != 9 || len(s.index.dirty) != maxDirty {
		t.Errorf("the index reaches to %d with %d dirty tasks, want 9 and %d", got, len(s.index.dirty), maxDirty)
	}
	clear(s.index.dirty)
	wantFound(t, s, "a text", want)
	s.catchUp(t)
	wantFound(t, s, "a text", want)
}

func expressionFor(text string) string { return new(frequencies).expression(text) }

// The same row id again adds to its trigrams, before and after its segments
// are merged, and in a batch that goes back in the order of ids.
func TestIndexAddsUp(t *testing.T) {
	file, _, err := openSearchFile(t.Context(), filepath.Join(t.TempDir(), "search.db"), "me")
	if err != nil {
		t.Fatal(err)
	}
	defer file.close()
	add := func(docs ...searchDoc) {
		t.Helper()
		if err := file.add(t.Context(), docs, searchMark{}); err != nil {
			t.Fatal(err)
		}
	}
	add(searchDoc{1, "first"}, searchDoc{2, "second"}, searchDoc{3, "third"})
	add(searchDoc{2, "more text"}, searchDoc{2, "and more"})
	add(searchDoc{2, "second"}, searchDoc{1, "more text"})
	check := func() {
		t.Helper()
		for text, want := range map[string][]int64{"first": {1}, "second": {2}, "more": {2, 1}, "text": {2, 1}, "and": {2}, "third": {3}} {
			got, err := file.find(t.Context(), expressionFor(text), idRange{0, 1 << 60}, 10)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%q is in %v (%v), want %v", text, got, err, want)
			}
		}
	}
	check()
	if _, err := file.write.Exec("INSERT INTO part_0 (part_0) VALUES ('optimize')"); err != nil {
		t.Fatal(err)
	}
	check()
}

// Partitions without tasks are dropped; searches go from one to the next.
func TestIndexPartitions(t *testing.T) {
	s := openByIndex(t, filepath.Join(t.TempDir(), "dispatchapy.db"))
	defer s.Close()
	want := someText(t, s, 3, "a text")
	s.catchUp(t)
	const size = int64(1) << partitionBits
	later := []searchDoc{{size + 5, "a text"}, {2*size + 7, "a text"}}
	if err := s.index.file.add(t.Context(), later, searchMark{indexed: 3 * size}); err != nil {
		t.Fatal(err)
	}
	got, err := s.index.file.find(t.Context(), expressionFor("a text"), idRange{0, 1 << 60}, 10)
	if all := append([]int64{2*size + 7, size + 5}, want...); err != nil || !slices.Equal(got, all) {
		t.Errorf("found %v (%v), want %v", got, err, all)
	}
	s.index.mark.indexed = 3 * size
	if err := s.index.dropEmpty(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := newestFirst(s.index.file.tables); !slices.Equal(left, []int64{0}) {
		t.Errorf("partitions %v are left, want only the first", left)
	}
	wantFound(t, s, "a text", want)
}

// The background goroutine does it by itself.
func TestIndexRuns(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "dispatchapy.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	someText(t, s, 30, "a text")
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("nothing was indexed")
		}
		s.index.mu.Lock()
		done := s.index.mark.indexed == 30
		s.index.mu.Unlock()
		if done {
			return
		}
	}
}

func TestTrigrams(t *testing.T) {
	var f frequencies
	for text, want := range map[string]string{
		"abcd":        `"abc" AND "bcd"`,
		"aaaaaa":      `"aaa"`,
		`a"b c`:       `"""b " AND "a""b" AND "b c"`,
		"äöü😀":        `"äöü" AND "öü😀"`,
		"a\x00bc\xff": "\"a\uFFFDb\" AND \"bc\uFFFD\" AND \"\uFFFDbc\"",
	} {
		if got := f.expression(text); got != want {
			t.Errorf("expression for %q is %s, want %s", text, got, want)
		}
	}
}

func TestRarestTrigramsAreLookedUp(t *testing.T) {
	var f frequencies
	for range 2 * forgetAfter {
		f.count([]searchDoc{{1, "common words are common"}})
	}
	f.count([]searchDoc{{1, "are xyz"}})
	if got, want := f.expression("common xyz words"), `"n x" AND "yz " AND "z w" AND " xy" AND "xyz"`; got != want {
		t.Errorf("looked up is %s, want %s", got, want)
	}
	if f.docs > forgetAfter {
		t.Errorf("%d documents are remembered, want at most %d", f.docs, forgetAfter)
	}
}

// Where a page ends tells nothing of what was sent: how many candidates the
// index has for a text would.
func TestSourceOnlyPagesTellNothing(t *testing.T) {
	s := openByIndex(t, filepath.Join(t.TempDir(), "dispatchapy.db"))
	defer s.Close()
	someText(t, s, 2*candidateLimit, "a text")
	outcomes := make([]store.Outcome, 2*candidateLimit)
	for i := range outcomes {
		outcomes[i] = store.Outcome{Lease: store.Lease{TaskID: int64(i + 1), Fence: 1}, Status: dispatchapy.StatusSuccess,
			Attempts: []dispatchapy.Attempt{{Number: 1, Outcome: dispatchapy.OutcomeDelivered, RequestBody: []byte(`{"account":"hush"}`)}}}
	}
	if stale, err := s.RecordOutcomes(t.Context(), outcomes); err != nil || len(stale) > 0 {
		t.Fatal(len(stale), err)
	}
	s.catchUp(t)
	end := func(f store.TaskFilter) int64 {
		t.Helper()
		page, err := s.Store.ListTasks(t.Context(), store.TaskQuery{Filter: f, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return page.Next
	}
	if end(store.TaskFilter{Text: "hush"}) == end(store.TaskFilter{Text: "rush"}) {
		t.Error("the ends are the same anyhow: this tests nothing")
	}
	for name, f := range map[string][2]store.TaskFilter{
		"text": {{SourceOnly: true, Text: "hush"}, {SourceOnly: true, Text: "rush"}},
		"ref":  {{SourceOnly: true, Ref: "hush"}, {SourceOnly: true, Ref: "rush"}},
	} {
		if sent, absent := end(f[0]), end(f[1]); sent != absent {
			t.Errorf("%s: a page ends at %d, and at %d without it", name, sent, absent)
		}
	}
}

// Searches leave connections to others, however many there are.
func TestSearchesAreFew(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "dispatchapy.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range searches {
		s.searching <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.ListTasks(ctx, store.TaskQuery{Filter: store.TaskFilter{Text: "x"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one search more gives %v", err)
	}
	if _, err := s.ListTasks(t.Context(), store.TaskQuery{}); err != nil {
		t.Errorf("a list beside the searches: %v", err)
	}
	<-s.searching
	if _, err := s.ListTasks(t.Context(), store.TaskQuery{Filter: store.TaskFilter{Text: "x"}}); err != nil {
		t.Errorf("when one has ended: %v", err)
	}
	if len(s.searching) != searches-1 {
		t.Errorf("%d searches are under way", len(s.searching))
	}
}
