package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var listCases = []testCase{
	{"PagesToTheEnd", testListPages},
	{"WhileTasksArrive", testListArrivals},
	{"Filters", testListFilters},
	{"ByTime", testListTime},
	{"PendingByPhase", testListPending},
	{"Neighbours", testNeighbours},
	{"OldestTasks", testOldestTasks},
	{"CountUpToALimit", testCountLimit},
	{"CountAmongMany", testCountMany},
	{"UnknownTask", testTaskUnknown},
}

func testListPages(t *testing.T, s store.Store) {
	ids := newestFirst(insert(t, s, numbered(53)...)...)
	for _, limit := range []int{1, 7, 53, 54, 500} {
		equal(t, "ids", pages(t, s, store.TaskFilter{}, limit), ids)
	}
	if page := onePage(t, s, store.TaskQuery{Limit: 100}); page.Next != 0 {
		t.Errorf("a page with everything announces a next one below %d", page.Next)
	}
	page := onePage(t, s, store.TaskQuery{Limit: 10, Before: ids[0] + 1000})
	if len(page.Tasks) != 10 || page.Tasks[0].ID != ids[0] {
		t.Errorf("a page below an id that is not there yet begins wrongly: %d tasks", len(page.Tasks))
	}
	page = onePage(t, s, store.TaskQuery{Limit: 10, Before: ids[len(ids)-1]})
	if len(page.Tasks) != 0 || page.Next != 0 {
		t.Errorf("a page below the oldest id is %+v", page)
	}
	equal(t, "listed task", onePage(t, s, store.TaskQuery{Limit: 1}).Tasks[0], detail(t, s, ids[0]).Task)
}

func testListArrivals(t *testing.T, s store.Store) {
	want := newestFirst(insert(t, s, numbered(30)...)...)
	var got []int64
	q := store.TaskQuery{Limit: 7}
	for {
		page := onePage(t, s, q)
		for _, task := range page.Tasks {
			got = append(got, task.ID)
		}
		if page.Next == 0 {
			break
		}
		q.Before = page.Next
		insert(t, s, numbered(3)...)
	}
	equal(t, "tasks that were there at first", got, want)
}

// filterWorld is a set of tasks that differ in one property each.
type filterWorld struct {
	byStatus             map[dispatchapy.Status]int64
	clientB, endpointB   int64
	ref, scope           int64
	resourceA, resourceB int64
	everything           []int64
}

func makeFilterWorld(t *testing.T, s store.Store) filterWorld {
	w := filterWorld{byStatus: map[dispatchapy.Status]int64{}}
	add := func(id int64) int64 { w.everything = append(w.everything, id); return id }
	for _, status := range dispatchapy.Statuses {
		w.byStatus[status] = add(taskIn(t, s, status))
	}
	onResource := func(resourceID int64) int64 {
		l := insertLeased(t, s)
		record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusSuccess, ResourceID: resourceID})
		return add(l.Task.ID)
	}
	w.clientB = add(insertOne(t, s, of(clientB)))
	w.endpointB = add(insertOne(t, s, at(endpointB)))
	w.ref = add(insertOne(t, s, func(n *store.NewTask) { n.Ref = "r-2" }))
	w.scope = add(insertOne(t, s, func(n *store.NewTask) { n.Scope = "prod" }))
	w.resourceA, w.resourceB = onResource(resourceA), onResource(resourceB)
	return w
}

func testListFilters(t *testing.T, s store.Store) {
	w := makeFilterWorld(t, s)
	pending := []dispatchapy.Status{dispatchapy.StatusPending}
	firstPending := w.byStatus[dispatchapy.StatusPending]
	cases := map[string]struct {
		filter store.TaskFilter
		want   []int64
	}{
		"none":                {store.TaskFilter{}, w.everything},
		"client":              {store.TaskFilter{ClientIDs: []int64{clientB}}, []int64{w.clientB}},
		"both clients":        {store.TaskFilter{ClientIDs: []int64{clientB, clientA}}, w.everything},
		"no client":           {store.TaskFilter{ClientIDs: []int64{}}, nil},
		"unknown client":      {store.TaskFilter{ClientIDs: []int64{99}}, nil},
		"endpoint":            {store.TaskFilter{EndpointIDs: []int64{endpointB, 99}}, []int64{w.endpointB}},
		"no endpoint":         {store.TaskFilter{EndpointIDs: []int64{}}, nil},
		"resource":            {store.TaskFilter{ResourceIDs: []int64{resourceA}}, []int64{w.resourceA}},
		"two resources":       {store.TaskFilter{ResourceIDs: []int64{resourceB, resourceA}}, []int64{w.resourceA, w.resourceB}},
		"no resource":         {store.TaskFilter{ResourceIDs: []int64{}}, nil},
		"ref":                 {store.TaskFilter{Ref: "r-2"}, []int64{w.ref}},
		"part of a ref":       {store.TaskFilter{Ref: "r-"}, nil},
		"ref in other case":   {store.TaskFilter{Ref: "R-2"}, nil},
		"begin of a ref":      {store.TaskFilter{RefPrefix: "r-"}, []int64{w.ref}},
		"a whole ref":         {store.TaskFilter{RefPrefix: "r-2"}, []int64{w.ref}},
		"middle of a ref":     {store.TaskFilter{RefPrefix: "-2"}, nil},
		"begin in other case": {store.TaskFilter{RefPrefix: "R-"}, nil},
		"no pattern":          {store.TaskFilter{RefPrefix: "r_"}, nil},
		"scope":               {store.TaskFilter{Scope: "prod"}, []int64{w.scope}},
		"part of a scope":     {store.TaskFilter{Scope: "pro"}, nil},
		"pending": {store.TaskFilter{Statuses: pending},
			[]int64{firstPending, w.clientB, w.endpointB, w.ref, w.scope}},
		"pending, client and ref": {store.TaskFilter{Statuses: pending, ClientIDs: []int64{clientA}, Ref: "r1", Scope: "test", EndpointIDs: []int64{endpointA}},
			[]int64{firstPending}},
		"contradiction": {store.TaskFilter{Ref: "r-2", Scope: "prod"}, nil},
		"two statuses": {store.TaskFilter{Statuses: []dispatchapy.Status{dispatchapy.StatusFailed, dispatchapy.StatusHeld}},
			[]int64{w.byStatus[dispatchapy.StatusFailed], w.byStatus[dispatchapy.StatusHeld]}},
		"all statuses": {store.TaskFilter{Statuses: dispatchapy.Statuses}, w.everything},
	}
	for _, status := range dispatchapy.Statuses {
		c := cases["pending"]
		if status != dispatchapy.StatusPending {
			c.filter, c.want = store.TaskFilter{Statuses: []dispatchapy.Status{status}}, []int64{w.byStatus[status]}
		}
		if status == dispatchapy.StatusSuccess {
			c.want = append(c.want, w.resourceA, w.resourceB)
		}
		cases["status "+string(status)] = c
	}
	for name, c := range cases {
		for _, limit := range []int{2, 100} {
			equal(t, name, pages(t, s, c.filter, limit), newestFirst(c.want...))
		}
		equal(t, "number of "+name, count(t, s, c.filter, 100), store.TaskCount{Tasks: len(c.want)})
	}
}

// count counts the tasks of one filter.
func count(t testing.TB, s store.Store, f store.TaskFilter, limit int) store.TaskCount {
	t.Helper()
	counts, err := s.CountTasks(t.Context(), []store.TaskFilter{f}, limit)
	if err != nil || len(counts) != 1 {
		t.Fatalf("CountTasks(%+v): %+v, %v", f, counts, err)
	}
	return counts[0]
}

// fitting reports whether a count may be given for so many tasks.
func fitting(c store.TaskCount, tasks int) bool {
	return c.Tasks == tasks && !c.AtLeast || c.Tasks <= tasks && c.AtLeast
}

func testNeighbours(t *testing.T, s store.Store) {
	var all, odd []int64
	for i := range 9 {
		options := []func(*store.NewTask){withSource(fmt.Sprintf(`{"m":"number %d"}`, i))}
		if i%2 == 1 {
			options = append(options, of(clientB), at(endpointB), withSource(`{"m":"an odd one"}`))
		}
		id := insertOne(t, s, options...)
		all = append(all, id)
		if i%2 == 1 {
			odd = append(odd, id)
		}
	}
	transition(t, s, dispatchapy.ActionStop, odd...)
	stopped := []dispatchapy.Status{dispatchapy.StatusStopped}
	for name, c := range map[string]struct {
		filter store.TaskFilter
		ids    []int64 // that it selects
	}{
		"all":         {store.TaskFilter{}, all},
		"status":      {store.TaskFilter{Statuses: stopped}, odd},
		"client":      {store.TaskFilter{ClientIDs: []int64{clientB, 99}}, odd},
		"two clients": {store.TaskFilter{ClientIDs: []int64{clientA, clientB}}, all},
		"both":        {store.TaskFilter{Statuses: stopped, EndpointIDs: []int64{endpointB}, ClientIDs: []int64{clientB}, Scope: "test"}, odd},
		"text":        {store.TaskFilter{Text: "odd"}, odd},
		"text and id": {store.TaskFilter{Text: "odd", ClientIDs: []int64{clientB}}, odd},
		"none":        {store.TaskFilter{ClientIDs: []int64{}}, nil},
		"not there":   {store.TaskFilter{Scope: "elsewhere"}, nil},
		"later":       {store.TaskFilter{Since: now().Add(time.Hour)}, nil},
	} {
		for _, id := range append([]int64{all[0] - 1, all[8] + 10}, all...) {
			var want store.Neighbours
			for _, other := range c.ids {
				if other < id {
					want.Older = other
				}
				if other > id && want.Newer == 0 {
					want.Newer = other
				}
			}
			got, err := s.Neighbours(t.Context(), c.filter, id)
			// What is far away need not be found.
			if err != nil || got.Newer != 0 && got.Newer != want.Newer || got.Older != 0 && got.Older != want.Older {
				t.Fatalf("%s: beside task %d are %+v, %v; want %+v", name, id, got, err, want)
			}
			near := min(want.Newer-id, id-want.Older)
			if near <= 2 && c.filter.Text == "" && got != want {
				t.Errorf("%s: beside task %d are %+v, want %+v", name, id, got, want)
			}
		}
	}
}

func testOldestTasks(t *testing.T, s store.Store) {
	var all, held []int64
	for i := range 12 {
		options := []func(*store.NewTask){withSource(fmt.Sprintf(`{"m":"number %d"}`, i))}
		if i%3 == 1 {
			options = append(options, of(clientB), at(endpointB), func(n *store.NewTask) { n.Hold = "held" })
		}
		id := insertOne(t, s, options...)
		all = append(all, id)
		if i%3 == 1 {
			held = append(held, id)
		}
	}
	isHeld := []dispatchapy.Status{dispatchapy.StatusHeld}
	for name, c := range map[string]struct {
		filter store.TaskFilter
		limit  int
		ids    []int64
	}{
		"all":         {store.TaskFilter{}, 100, all},
		"a few":       {store.TaskFilter{}, 5, all[:5]},
		"status":      {store.TaskFilter{Statuses: isHeld}, 100, held},
		"first held":  {store.TaskFilter{Statuses: isHeld}, 1, held[:1]},
		"two clients": {store.TaskFilter{ClientIDs: []int64{clientA, clientB}}, 7, all[:7]},
		"all of it":   {store.TaskFilter{Statuses: isHeld, EndpointIDs: []int64{endpointB}, ClientIDs: []int64{clientB}, Scope: "test"}, 2, held[:2]},
		"none":        {store.TaskFilter{ClientIDs: []int64{}}, 5, nil},
		"not there":   {store.TaskFilter{Scope: "elsewhere"}, 5, nil},
		"later":       {store.TaskFilter{Since: now().Add(time.Hour)}, 5, nil},
	} {
		tasks, err := s.OldestTasks(t.Context(), c.filter, c.limit)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []int64
		for i := range tasks {
			got = append(got, tasks[i].ID)
		}
		// Further ones need not be found where that is too much work.
		if missing := len(c.ids) - len(got); missing < 0 || missing > 0 && len(got) < 3 || !slices.Equal(got, c.ids[:len(got)]) {
			t.Errorf("%s: %v, want %v", name, got, c.ids)
		}
	}
}

func testCountLimit(t *testing.T, s store.Store) {
	insert(t, s, numbered(5)...)
	insert(t, s, numbered(2, of(clientB))...)
	for limit, want := range map[int]store.TaskCount{4: {Tasks: 4, AtLeast: true}, 7: {Tasks: 7}, 8: {Tasks: 7}} {
		equal(t, fmt.Sprintf("counted up to %d", limit), count(t, s, store.TaskFilter{}, limit), want)
		if got := count(t, s, store.TaskFilter{Text: "n"}, limit); got.Tasks > limit || !fitting(got, 7) {
			t.Errorf("with text %+v are counted up to %d, want 7", got, limit)
		}
	}
	got, err := s.CountTasks(t.Context(), []store.TaskFilter{{ClientIDs: []int64{clientB}}, {ClientIDs: []int64{}}, {ClientIDs: []int64{clientA}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "three filters", got, []store.TaskCount{{Tasks: 2}, {}, {Tasks: 3, AtLeast: true}})
}

// testCountMany counts among many tasks, where the work for one count is
// bounded: what is counted is there, and nothing is left out in silence.
func testCountMany(t *testing.T, s store.Store) {
	rare := insertOne(t, s, func(n *store.NewTask) { n.Scope = "rare" })
	for range 6 {
		insert(t, s, numbered(1000)...)
	}
	for name, f := range map[string]store.TaskFilter{
		"scope":             {Scope: "rare"},
		"scope and client":  {Scope: "rare", ClientIDs: []int64{clientA}},
		"scope and phase":   {Scope: "rare", Statuses: []dispatchapy.Status{dispatchapy.StatusPending}, Pending: &store.PendingFilter{Phases: []dispatchapy.Phase{dispatchapy.PhaseQueued}}},
		"status and client": {Statuses: []dispatchapy.Status{dispatchapy.StatusHeld}, ClientIDs: []int64{clientA}},
	} {
		want := 1
		if f.Scope == "" {
			want = 0
		}
		if got := count(t, s, f, 100); !fitting(got, want) {
			t.Errorf("by %s there are %+v, want %d", name, got, want)
		}
	}
	equal(t, "all", count(t, s, store.TaskFilter{}, 1000), store.TaskCount{Tasks: 1000, AtLeast: true})
	equal(t, "none", count(t, s, store.TaskFilter{Statuses: []dispatchapy.Status{dispatchapy.StatusFailed}}, 1000), store.TaskCount{})
	transition(t, s, dispatchapy.ActionStop, rare)
	equal(t, "stopped", count(t, s, store.TaskFilter{Statuses: []dispatchapy.Status{dispatchapy.StatusStopped}}, 1000), store.TaskCount{Tasks: 1})
}

func testListTime(t *testing.T, s store.Store) {
	var ids []int64
	var created []time.Time
	for len(ids) < 3 {
		id := insertOne(t, s)
		at := detail(t, s, id).Task.CreatedAt
		// Two inserts may fall into one tick of a coarse clock.
		if n := len(created); n > 0 && !at.After(created[n-1]) {
			transition(t, s, dispatchapy.ActionDelete, id)
			continue
		}
		ids, created = append(ids, id), append(created, at)
	}
	equal(t, "since the second", pages(t, s, store.TaskFilter{Since: created[1]}, 10), newestFirst(ids[1], ids[2]))
	equal(t, "until the second", pages(t, s, store.TaskFilter{Until: created[1]}, 10), newestFirst(ids[0]))
	equal(t, "from second to third", pages(t, s, store.TaskFilter{Since: created[1], Until: created[2]}, 1), []int64{ids[1]})
	equal(t, "far future", pages(t, s, store.TaskFilter{Since: created[2].Add(time.Hour)}, 10), nil)
	equal(t, "far past", pages(t, s, store.TaskFilter{Until: created[0].Add(-time.Hour)}, 10), nil)
}

func testListPending(t *testing.T, s store.Store) {
	tried := func(options ...func(*store.NewTask)) int64 {
		l := insertLeased(t, s, options...)
		record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusPending, Attempts: []dispatchapy.Attempt{
			{Number: 1, ResourceID: resourceA, Outcome: dispatchapy.OutcomeFailed, StartedAt: now()},
		}})
		return l.Task.ID
	}
	queued, retrying := insertOne(t, s), tried()
	waiting, waitingTried := insertOne(t, s, at(endpointB)), tried(at(endpointB))
	again := tried()
	transition(t, s, dispatchapy.ActionRetry, again) // a new budget, in which nothing was tried
	failed := taskIn(t, s, dispatchapy.StatusFailed, at(endpointB))

	const q, r, w = dispatchapy.PhaseQueued, dispatchapy.PhaseRetrying, dispatchapy.PhaseWaiting
	pending, both := []dispatchapy.Status{dispatchapy.StatusPending}, []dispatchapy.Status{dispatchapy.StatusFailed, dispatchapy.StatusPending}
	for name, c := range map[string]struct {
		statuses []dispatchapy.Status
		phases   []dispatchapy.Phase
		want     []int64
	}{
		"queued":               {pending, []dispatchapy.Phase{q}, []int64{queued, again}},
		"retrying":             {pending, []dispatchapy.Phase{r}, []int64{retrying}},
		"waiting":              {pending, []dispatchapy.Phase{w}, []int64{waiting, waitingTried}},
		"queued and waiting":   {pending, []dispatchapy.Phase{w, q}, []int64{queued, again, waiting, waitingTried}},
		"queued and retrying":  {pending, []dispatchapy.Phase{q, r}, []int64{queued, again, retrying}},
		"retrying and waiting": {pending, []dispatchapy.Phase{r, w}, []int64{retrying, waiting, waitingTried}},
		"failed and waiting":   {both, []dispatchapy.Phase{w}, []int64{waiting, waitingTried, failed}},
		"failed and retrying":  {both, []dispatchapy.Phase{r}, []int64{retrying, failed}},
	} {
		for _, limit := range []int{1, 100} {
			f := store.TaskFilter{Statuses: c.statuses, Pending: &store.PendingFilter{Phases: c.phases, Stuck: []int64{endpointB, 99}}}
			equal(t, name, pages(t, s, f, limit), newestFirst(c.want...))
			equal(t, "number of "+name, count(t, s, f, 100), store.TaskCount{Tasks: len(c.want)})
			f.Text = "hello"
			equal(t, name+", with text", pages(t, s, f, limit), newestFirst(c.want...))
		}
	}
	none := store.TaskFilter{Statuses: pending, Pending: &store.PendingFilter{Phases: []dispatchapy.Phase{w}}}
	equal(t, "waiting while no endpoint is stuck", pages(t, s, none, 10), nil)
}

func testTaskUnknown(t *testing.T, s store.Store) {
	for _, id := range []int64{0, -1, 1, 1 << 62} {
		if _, err := s.Task(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Task(%d) gives %v, want ErrNotFound", id, err)
		}
	}
}

var retentionCases = []testCase{
	{"OnlySucceededAndFailed", testRetentionStatuses},
	{"LimitAndAge", testRetentionLimit},
	{"NothingIsLeftBehind", testRetentionRest},
	{"AuditAndEvents", testRetentionTrail},
}

func testRetentionStatuses(t *testing.T, s store.Store) {
	kept := []int64{}
	for _, status := range dispatchapy.Statuses {
		id := taskIn(t, s, status)
		if status != dispatchapy.StatusSuccess && status != dispatchapy.StatusFailed {
			kept = append(kept, id)
		}
	}
	retried := taskIn(t, s, dispatchapy.StatusFailed)
	transition(t, s, dispatchapy.ActionRetry, retried)
	kept = append(kept, retried)

	n, err := s.DeleteFinished(t.Context(), 0, 100)
	if err != nil || n != 2 {
		t.Fatalf("DeleteFinished gave %d, %v; want 2", n, err)
	}
	equal(t, "kept tasks", pages(t, s, store.TaskFilter{}, 10), newestFirst(kept...))
}

func testRetentionLimit(t *testing.T, s store.Store) {
	var ids []int64
	for range 5 {
		ids = append(ids, taskIn(t, s, dispatchapy.StatusSuccess))
	}
	if n, err := s.DeleteFinished(t.Context(), time.Hour, 100); err != nil || n != 0 {
		t.Fatalf("DeleteFinished of what is an hour old gave %d, %v; want 0", n, err)
	}
	if n, err := s.DeleteFinished(t.Context(), 0, 3); err != nil || n != 3 {
		t.Fatalf("DeleteFinished with limit 3 gave %d, %v", n, err)
	}
	equal(t, "the oldest go first", pages(t, s, store.TaskFilter{}, 10), newestFirst(ids[3], ids[4]))
	for want := 2; want >= 0; want -= 2 {
		if n, err := s.DeleteFinished(t.Context(), 0, 3); err != nil || n != want {
			t.Fatalf("DeleteFinished of the rest gave %d, %v; want %d", n, err, want)
		}
	}
}

func testRetentionRest(t *testing.T, s store.Store) {
	l := insertLeased(t, s)
	record(t, s, fullOutcome(l.Lease, dispatchapy.StatusFailed))
	if n, err := s.DeleteFinished(t.Context(), 0, 100); err != nil || n != 1 {
		t.Fatalf("DeleteFinished gave %d, %v; want 1", n, err)
	}
	if _, err := s.Task(t.Context(), l.Task.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Task gives %v, want ErrNotFound", err)
	}
	equal(t, "found by text", pages(t, s, store.TaskFilter{Text: "hello"}, 10), nil)
	if got := len(events(t, s)); got != 1 {
		t.Errorf("%d events are left, want 1: events outlive their task", got)
	}
}

// testRetentionTrail: both are deleted from the oldest on, not beyond the limit
// and the age.
func testRetentionTrail(t *testing.T, s store.Store) {
	const old, young = 3, 2
	var happened []dispatchapy.Event
	for i := range old + young {
		at := now().Add(-2 * time.Hour)
		if i >= old {
			at = now()
		}
		appendAudit(t, s, store.AuditEntry{At: at, By: "tester", Action: fmt.Sprint(i)})
		happened = append(happened, dispatchapy.Event{Kind: dispatchapy.EventTaskFailed, At: at, Detail: fmt.Sprint(i)})
	}
	record(t, s, store.Outcome{Lease: insertLeased(t, s).Lease, Status: dispatchapy.StatusFailed, Events: happened})
	left := func() (audit, event []string) {
		for _, e := range listAudit(t, s, store.AuditQuery{}) {
			audit = append(audit, e.Action)
		}
		for _, e := range events(t, s) {
			event = append(event, e.Detail)
		}
		return audit, event
	}
	for _, c := range []struct {
		age     time.Duration
		limit   int
		deleted int
		left    []string
	}{
		{3 * time.Hour, 10, 0, []string{"4", "3", "2", "1", "0"}},
		{time.Hour, 2, 2, []string{"4", "3", "2"}},
		{time.Hour, 10, 1, []string{"4", "3"}},
		{time.Hour, 10, 0, []string{"4", "3"}},
	} {
		audits, err := s.DeleteOldAudit(t.Context(), c.age, c.limit)
		if err != nil || audits != c.deleted {
			t.Errorf("DeleteOldAudit(%v, %d) gives %d, %v; want %d", c.age, c.limit, audits, err, c.deleted)
		}
		gone, err := s.DeleteOldEvents(t.Context(), c.age, c.limit)
		if err != nil || gone != c.deleted {
			t.Errorf("DeleteOldEvents(%v, %d) gives %d, %v; want %d", c.age, c.limit, gone, err, c.deleted)
		}
		audit, event := left()
		equal(t, "audit entries left", audit, c.left)
		equal(t, "events left", event, c.left)
	}
}
