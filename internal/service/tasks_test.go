package service_test

import (
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

func sorted(s []string) []string {
	sort.Strings(s)
	return s
}

// refs lists what the principal finds, newest first.
func (n *node) refs(p dispatchapy.Principal, f service.TaskFilter) []string {
	n.t.Helper()
	page, err := n.ListTasks(n.t.Context(), p, f, service.PageRequest{})
	if err != nil {
		n.t.Fatal(err)
	}
	refs := []string{}
	for _, found := range page.Items {
		refs = append(refs, found.Ref)
	}
	return refs
}

func TestListTasks(t *testing.T) {
	n := startNode(t)
	n.insert(
		task{client: "shop", endpoint: "sms", ref: "a"},
		task{client: "bank", endpoint: "sms", ref: "b", hold: true},
		task{client: "bank", endpoint: "mail", ref: "c"},
	)
	shop, bank := n.client("shop-token-1234"), n.client("bank-token-1234")
	tests := []struct {
		name   string
		who    dispatchapy.Principal
		filter service.TaskFilter
		want   []string
	}{
		{"all", admin, service.TaskFilter{}, []string{"c", "b", "a"}},
		{"a client sees its own", shop, service.TaskFilter{}, []string{"a"}},
		{"a client asks for another's", shop, service.TaskFilter{Clients: []string{"bank"}}, []string{}},
		{"a client asks for its own and another's", bank, service.TaskFilter{Clients: []string{"bank", "shop"}}, []string{"c", "b"}},
		{"by client", admin, service.TaskFilter{Clients: []string{"bank"}}, []string{"c", "b"}},
		{"by unknown client", admin, service.TaskFilter{Clients: []string{"nobody"}}, []string{}},
		{"by endpoint", admin, service.TaskFilter{Endpoints: []string{"sms"}}, []string{"b", "a"}},
		{"by status", admin, service.TaskFilter{Statuses: []dispatchapy.Status{dispatchapy.StatusHeld}}, []string{"b"}},
		{"by ref", admin, service.TaskFilter{Ref: "c"}, []string{"c"}},
		{"text in a payload", admin, service.TaskFilter{Text: `"REF":"A"`}, []string{"a"}},
		{"text in a client's name", admin, service.TaskFilter{Text: "BAN"}, []string{"c", "b"}},
		{"text in an endpoint's path", admin, service.TaskFilter{Text: "mai"}, []string{"c"}},
		{"text does not widen a client's sight", shop, service.TaskFilter{Text: "bank"}, []string{}},
		{"since", admin, service.TaskFilter{Since: time.Now().Add(time.Hour)}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, n.refs(tt.who, tt.filter)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListTasksPages(t *testing.T) {
	n := startNode(t)
	for range 7 {
		n.insert(task{client: "shop", endpoint: "sms", ref: "r"})
	}
	var ids []int64
	request := service.PageRequest{Limit: 3}
	for {
		page, err := n.ListTasks(t.Context(), admin, service.TaskFilter{}, request)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range page.Items {
			ids = append(ids, found.ID)
		}
		if request.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if diff := cmp.Diff([]int64{7, 6, 5, 4, 3, 2, 1}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestNamesOfDeletedObjects(t *testing.T) {
	n := startNode(t)
	id := n.insert(task{client: "bank", endpoint: "mail", ref: "old"})[0]
	n.apply("version: 1\nresources: [{name: backup, url: \"http://x.example/\"}]\n", service.ApplyOptions{Prune: true})

	for name, node := range map[string]*node{"the node that deleted them": n, "another": newNode(t, n.store.Store, 1)} {
		t.Run(name, func(t *testing.T) {
			node.refresh()
			found, err := node.Task(t.Context(), admin, id)
			if err != nil || found.Client != "bank" || found.Endpoint != "mail" {
				t.Errorf("task of %q at %q, %v", found.Client, found.Endpoint, err)
			}
			if diff := cmp.Diff([]string{"old"}, node.refs(admin, service.TaskFilter{Clients: []string{"bank"}})); diff != "" {
				t.Error(diff)
			}
		})
	}
	// A new client of the old name is another client.
	n.apply("version: 1\nendpoints: [{path: mail}]\nclients: [{name: bank, token: bank-token-5678, endpoints: [mail]}]\n", service.ApplyOptions{})
	if got := n.refs(n.client("bank-token-5678"), service.TaskFilter{}); len(got) != 0 {
		t.Errorf("it sees the tasks of its predecessor: %v", got)
	}
}

func TestFilterFaults(t *testing.T) {
	n := startNode(t)
	tests := []struct {
		field   string
		filter  service.TaskFilter
		request service.PageRequest
	}{
		{field: "status", filter: service.TaskFilter{Statuses: []dispatchapy.Status{"done"}}},
		{field: "q", filter: service.TaskFilter{Text: strings.Repeat("x", 501)}},
		{field: "client", filter: service.TaskFilter{Clients: make([]string, 101)}},
		{field: "until", filter: service.TaskFilter{Since: time.Unix(2, 0), Until: time.Unix(1, 0)}},
		{field: "limit", request: service.PageRequest{Limit: 201}},
		{field: "limit", request: service.PageRequest{Limit: -1}},
		{field: "cursor", request: service.PageRequest{Cursor: "x"}},
		{field: "cursor", request: service.PageRequest{Cursor: "-5"}},
	}
	for _, tt := range tests {
		_, err := n.ListTasks(t.Context(), admin, tt.filter, tt.request)
		wantCode(t, err, dispatchapy.CodeInvalid)
		if fields := fieldsOf(err); len(fields) != 1 || fields[0].Path != tt.field {
			t.Errorf("fields = %+v, want %s", fields, tt.field)
		}
	}
}

func TestTaskDetail(t *testing.T) {
	n := startNode(t)
	cfg := n.table.Load().Config
	inserted, err := n.store.InsertTasks(t.Context(), []store.NewTask{{
		LeaseFor: time.Minute,
		Submission: dispatchapy.Submission{EndpointID: cfg.Endpoint("sms").ID, ClientID: cfg.Client("shop").ID,
			Ref: "r", Scope: "s", Source: []byte(`{}`), MaxAttempts: 5},
	}})
	if err != nil {
		t.Fatal(err)
	}
	outcome := store.Outcome{
		Lease: inserted[0].Leased.Lease, Status: dispatchapy.StatusSuccess, ResourceID: cfg.Resource("backup").ID,
		Attempts: []dispatchapy.Attempt{
			{Number: 1, ResourceID: cfg.Resource("primary").ID, Outcome: dispatchapy.OutcomeFailed, RequestBody: []byte(`{"n":1}`), StartedAt: time.Now()},
			{Number: 2, ResourceID: cfg.Resource("backup").ID, Outcome: dispatchapy.OutcomeDelivered, RequestBody: []byte(`{"n":2}`), StartedAt: time.Now()},
		},
	}
	if _, err := n.store.RecordOutcomes(t.Context(), []store.Outcome{outcome}); err != nil {
		t.Fatal(err)
	}
	found, err := n.Task(t.Context(), admin, inserted[0].TaskID)
	if err != nil {
		t.Fatal(err)
	}
	if found.Resource != "backup" || string(found.Target) != `{"n":2}` {
		t.Errorf("resource %q, target %s; want those of the last attempt", found.Resource, found.Target)
	}
	if len(found.Attempts) != 2 || found.Attempts[0].Resource != "primary" {
		t.Errorf("attempts = %+v", found.Attempts)
	}
	_, err = n.Task(t.Context(), n.client("bank-token-1234"), inserted[0].TaskID)
	wantCode(t, err, dispatchapy.CodeNotFound)
	_, err = n.Task(t.Context(), admin, 4711)
	wantCode(t, err, dispatchapy.CodeNotFound)
}

func TestActOnTask(t *testing.T) {
	tests := []struct {
		action dispatchapy.Action
		hold   bool
		want   dispatchapy.Status // "": gone
		code   dispatchapy.Code
	}{
		{action: dispatchapy.ActionStop, want: dispatchapy.StatusStopped},
		{action: dispatchapy.ActionStop, hold: true, want: dispatchapy.StatusStopped},
		{action: dispatchapy.ActionSend, hold: true, want: dispatchapy.StatusPending},
		{action: dispatchapy.ActionSend, code: dispatchapy.CodeConflict},
		{action: dispatchapy.ActionRetry, want: dispatchapy.StatusPending},
		{action: dispatchapy.ActionDelete},
	}
	n := startNode(t)
	shop, bank := n.client("shop-token-1234"), n.client("bank-token-1234")
	for _, tt := range tests {
		id := n.insert(task{client: "shop", endpoint: "sms", ref: "r", hold: tt.hold})[0]
		_, err := n.ActOnTask(t.Context(), bank, tt.action, id)
		wantCode(t, err, dispatchapy.CodeNotFound)

		after, err := n.ActOnTask(t.Context(), shop, tt.action, id)
		wantCode(t, err, tt.code)
		switch {
		case tt.code != "":
		case tt.want == "":
			if _, err := n.Task(t.Context(), admin, id); dispatchapy.ErrorCode(err) != dispatchapy.CodeNotFound {
				t.Errorf("%s: the task is still there (%v)", tt.action, err)
			}
		case after.Status != tt.want:
			t.Errorf("%s: status %s, want %s", tt.action, after.Status, tt.want)
		case !strings.Contains(after.Log[len(after.Log)-1].Message, "shop"):
			t.Errorf("%s: the log does not say who: %+v", tt.action, after.Log)
		}
	}
}

func TestBatchByIDs(t *testing.T) {
	n := startNode(t)
	ids := n.insert(
		task{client: "shop", endpoint: "sms", ref: "own"},
		task{client: "bank", endpoint: "sms", ref: "foreign"},
		task{client: "shop", endpoint: "sms", ref: "held", hold: true},
	)
	result, err := n.ActOnTasks(t.Context(), n.client("shop-token-1234"), service.Batch{
		Action: dispatchapy.ActionSend, IDs: []int64{ids[0], ids[1], ids[2], 999, ids[0]},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range result.Results {
		got = append(got, string(r.Status)+" "+string(dispatchapy.ErrorCode(r.Err)))
	}
	if diff := cmp.Diff([]string{"pending conflict", " not_found", "pending ", " not_found"}, got); diff != "" {
		t.Errorf("each its own result, repeats once: %s", diff)
	}
	if diff := cmp.Diff(map[dispatchapy.Phase]int{dispatchapy.PhaseQueued: 1, service.SkippedGone: 2}, result.Skipped); diff != "" || result.Done != 1 || result.Failed != 0 {
		t.Errorf("in numbers: %d done, %d failed, %s", result.Done, result.Failed, diff)
	}
}

func TestBatchByFilter(t *testing.T) {
	n := startNode(t)
	held := n.insert(
		task{client: "shop", endpoint: "sms", ref: "1", hold: true},
		task{client: "bank", endpoint: "sms", ref: "2", hold: true},
	)
	pending := n.insert(task{client: "shop", endpoint: "sms", ref: "3"})
	send := func(p dispatchapy.Principal, f service.TaskFilter) []int64 {
		t.Helper()
		result, err := n.ActOnTasks(t.Context(), p, service.Batch{Action: dispatchapy.ActionSend, Filter: &f})
		if err != nil {
			t.Fatal(err)
		}
		ids := []int64{}
		for _, r := range result.Results {
			if r.Err != nil {
				t.Errorf("task %d: %v", r.ID, r.Err)
			}
			ids = append(ids, r.ID)
		}
		return ids
	}
	if got := send(admin, service.TaskFilter{Statuses: []dispatchapy.Status{dispatchapy.StatusPending}}); len(got) != 0 {
		t.Errorf("tasks %v were chosen in a status that cannot be sent", got)
	}
	if got := send(n.client("shop-token-1234"), service.TaskFilter{}); !slices.Equal(got, held[:1]) {
		t.Errorf("a client acted on %v, want %v: its own held ones", got, held[:1])
	}
	if got := send(admin, service.TaskFilter{}); !slices.Equal(got, held[1:]) {
		t.Errorf("sent %v, want %v and not %v", got, held[1:], pending)
	}
}

func TestBatchByFilterIsBounded(t *testing.T) {
	n := startNode(t)
	many := make([]task, service.MaxBatch+5)
	for i := range many {
		many[i] = task{client: "shop", endpoint: "sms", ref: "r"}
	}
	n.insert(many...)
	batch := service.Batch{Action: dispatchapy.ActionDelete, Filter: &service.TaskFilter{Until: time.Now().Add(time.Hour)}}
	first, err := n.ActOnTasks(t.Context(), admin, batch)
	if err != nil || len(first.Results) != service.MaxBatch || first.Next == "" {
		t.Fatalf("%d results, next %q, %v", len(first.Results), first.Next, err)
	}
	batch.Cursor = first.Next
	rest, err := n.ActOnTasks(t.Context(), admin, batch)
	if err != nil || len(rest.Results) != 5 || rest.Next != "" {
		t.Fatalf("then %d results, next %q, %v", len(rest.Results), rest.Next, err)
	}
}

func TestBatchFaults(t *testing.T) {
	n := startNode(t)
	for name, batch := range map[string]service.Batch{
		"unknown action":      {Action: "explode", IDs: []int64{1}},
		"dispatcher's own":    {Action: dispatchapy.ActionClaim, IDs: []int64{1}},
		"neither":             {Action: dispatchapy.ActionStop},
		"both":                {Action: dispatchapy.ActionStop, IDs: []int64{1}, Filter: &service.TaskFilter{}},
		"too many":            {Action: dispatchapy.ActionStop, IDs: make([]int64, service.MaxBatch+1)},
		"bad filter":          {Action: dispatchapy.ActionStop, Filter: &service.TaskFilter{Statuses: []dispatchapy.Status{"x"}}},
		"cursor is no number": {Action: dispatchapy.ActionStop, Filter: &service.TaskFilter{}, Cursor: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := n.ActOnTasks(t.Context(), admin, batch)
			wantCode(t, err, dispatchapy.CodeInvalid)
		})
	}
}

func TestBatchReportsWhatWasDoneBeforeTheDatabaseFailed(t *testing.T) {
	n := startNode(t)
	many := make([]task, 150)
	for i := range many {
		many[i] = task{client: "shop", endpoint: "sms", ref: "r"}
	}
	ids := n.insert(many...)
	n.store.failAfter = 1
	result, err := n.ActOnTasks(t.Context(), admin, service.Batch{Action: dispatchapy.ActionStop, IDs: ids})
	if err != nil || len(result.Results) != 150 {
		t.Fatalf("%d results, %v", len(result.Results), err)
	}
	if result.Results[99].Err != nil || result.Results[99].Status != dispatchapy.StatusStopped {
		t.Errorf("the first hundred: %+v", result.Results[99])
	}
	wantCode(t, result.Results[100].Err, dispatchapy.CodeUnavailable)
	if result.Done != 100 || result.Failed != 50 || len(result.Skipped) != 0 {
		t.Errorf("in numbers: %d done, %d failed, skipped %v", result.Done, result.Failed, result.Skipped)
	}

	n.store.failAfter = 0
	_, err = n.ActOnTasks(t.Context(), admin, service.Batch{Action: dispatchapy.ActionStop, IDs: ids})
	wantCode(t, err, dispatchapy.CodeUnavailable)
}

func TestABatchDoesNotDeleteEverythingByAccident(t *testing.T) {
	n := startNode(t)
	_, err := n.ActOnTasks(t.Context(), admin, service.Batch{Action: dispatchapy.ActionDelete, Filter: &service.TaskFilter{}})
	wantCode(t, err, dispatchapy.CodeInvalid)
	for name, f := range map[string]service.TaskFilter{
		"a status": {Statuses: []dispatchapy.Status{dispatchapy.StatusFailed}},
		"a ref":    {Ref: "r"},
		"a time":   {Until: time.Now()},
	} {
		if _, err := n.ActOnTasks(t.Context(), admin, service.Batch{Action: dispatchapy.ActionDelete, Filter: &f}); err != nil {
			t.Errorf("by %s: %v", name, err)
		}
	}
	if _, err := n.ActOnTasks(t.Context(), admin, service.Batch{Action: dispatchapy.ActionRetry, Filter: &service.TaskFilter{}}); err != nil {
		t.Errorf("retrying all: %v", err)
	}
}

func TestRestoreTask(t *testing.T) {
	n := startNode(t)
	shop, bank := n.client("shop-token-1234"), n.client("bank-token-1234")
	held := n.insert(task{client: "shop", endpoint: "sms", ref: "r", hold: true})[0]
	if _, err := n.ActOnTask(t.Context(), shop, dispatchapy.ActionDelete, held); err != nil {
		t.Fatal(err)
	}
	_, err := n.Task(t.Context(), admin, held)
	wantCode(t, err, dispatchapy.CodeNotFound)
	_, err = n.ActOnTask(t.Context(), bank, dispatchapy.ActionRestore, held)
	wantCode(t, err, dispatchapy.CodeNotFound)
	after, err := n.ActOnTask(t.Context(), shop, dispatchapy.ActionRestore, held)
	if err != nil || after.Status != dispatchapy.StatusHeld || after.Log[len(after.Log)-1].Message != "restored by shop" {
		t.Errorf("restored: %+v, %v", after, err)
	}
	_, err = n.ActOnTask(t.Context(), shop, dispatchapy.ActionRestore, held)
	wantCode(t, err, dispatchapy.CodeConflict)
}

func TestRestoreManyTasks(t *testing.T) {
	n := startNode(t)
	ids := n.insert(task{client: "shop", endpoint: "sms", ref: "1"}, task{client: "bank", endpoint: "sms", ref: "2", hold: true}, task{client: "shop", endpoint: "sms", ref: "3"})
	if _, err := n.ActOnTasks(t.Context(), admin, service.Batch{Action: dispatchapy.ActionDelete, IDs: ids[:2]}); err != nil {
		t.Fatal(err)
	}
	result, err := n.ActOnTasks(t.Context(), admin, service.Batch{Action: dispatchapy.ActionRestore, IDs: append(ids, 999)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range result.Results {
		got = append(got, string(r.Status)+" "+string(dispatchapy.ErrorCode(r.Err)))
	}
	if diff := cmp.Diff([]string{"pending ", "held ", "pending conflict", " not_found"}, got); diff != "" {
		t.Error(diff)
	}
	_, err = n.ActOnTasks(t.Context(), admin, service.Batch{Action: dispatchapy.ActionRestore, Filter: &service.TaskFilter{Ref: "1"}})
	wantCode(t, err, dispatchapy.CodeInvalid)
	_, err = n.CountBatch(t.Context(), admin, service.Batch{Action: dispatchapy.ActionRestore, IDs: ids})
	wantCode(t, err, dispatchapy.CodeInvalid)
}
