package storetest

import (
	"fmt"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/store"
)

var searchCases = []testCase{
	{"WhatIsSearched", testSearchPlaces},
	{"HowTextIsCompared", testSearchText},
	{"ShortTexts", testSearchShort},
	{"WithFilters", testSearchFilters},
	{"NamedObjects", testSearchNamed},
	{"NewAndChangedTasksAtOnce", testSearchFresh},
	{"Pages", testSearchPages},
	{"DeletedTasks", testSearchDeleted},
	{"SourceOnly", testSearchSourceOnly},
}

// search finds all tasks with the text.
func search(t testing.TB, s store.Store, text string) []int64 {
	t.Helper()
	return pages(t, s, store.TaskFilter{Text: text}, 3)
}

// sent makes a task that was sent once with the given target payload.
func sent(t testing.TB, s store.Store, target string) int64 {
	t.Helper()
	l := insertLeased(t, s)
	record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusSuccess, ResourceID: resourceA, Attempts: []dispatchapy.Attempt{{
		Number: 1, ResourceID: resourceA, Outcome: dispatchapy.OutcomeDelivered, RequestBody: []byte(target),
		ResponseBody: []byte("answer of the provider"), StartedAt: now(),
	}}})
	return l.Task.ID
}

func testSearchPlaces(t *testing.T, s store.Store) {
	insert(t, s, numbered(5)...)
	source := insertOne(t, s, withSource(`{"phone":"+62-811-needle"}`))
	ref := insertOne(t, s, func(n *store.NewTask) { n.Ref = "order-needle-7" })
	scope := insertOne(t, s, func(n *store.NewTask) { n.Scope = "needles" })
	target := sent(t, s, `{"msisdn":"needle"}`)
	sent(t, s, `{"msisdn":"0"}`)
	equal(t, "tasks with the text", search(t, s, "needle"), newestFirst(source, ref, scope, target))
	equal(t, "nowhere", search(t, s, "haystack"), nil)
	// Keys of the payload are text as well.
	equal(t, "by key", search(t, s, `"msisdn":"needle`), []int64{target})
}

func testSearchText(t *testing.T, s store.Store) {
	insert(t, s, numbered(3)...)
	add := func(source string) int64 { return insertOne(t, s, withSource(source)) }
	upper := add(`{"m":"GRÜSSE aus Köln"}`)
	lower := add(`{"m":"grüsse AUS KÖLN"}`)
	escaped := add(`{"m":"gr\u00FCsse aus k\u00f6ln"}`)
	percent := add(`{"m":"100% sure_thing"}`)
	plain := add(`{"m":"100 percent sure thing"}`)
	quoted := add(`{"m":"she said \"no way\" and it's over"}`)
	slash := add(`{"m":"C:\\temp\/new"}`)
	emoji := add(`{"m":"smile 😀 please"}`)
	emojiEscaped := add(`{"m":"smile \ud83d\ude00 please"}`)
	cyrillic := add(`{"m":"ПРИВЕТ, мир"}`)
	chinese := add(`{"m":"你好世界"}`)
	star := add(`{"m":"a*b OR c NEAR(d) -e ^f"}`)
	// Broken on purpose: not every store of old rows holds clean JSON.
	broken := add(`{"m":"half an escape \u12`)

	for text, want := range map[string][]int64{
		"grüsse":           {upper, lower, escaped},
		"GRÜSSE AUS":       {upper, lower, escaped},
		"köln":             {upper, lower, escaped},
		"100%":             {percent},
		"100% sure":        {percent},
		"sure_thing":       {percent},
		"sure thing":       {plain},
		"%percent%":        nil,
		"s_re thing":       nil,
		`"no way"`:         {quoted},
		`said "no`:         {quoted},
		"it's":             {quoted},
		"'; DROP TABLE":    nil,
		`c:\temp/new`:      {slash},
		"😀":                {emoji, emojiEscaped},
		"smile 😀 please":   {emoji, emojiEscaped},
		"привет":           {cyrillic},
		"МИР":              {cyrillic},
		"你好世":              {chinese},
		"a*b":              {star},
		"c near(d)":        {star},
		"a* OR":            nil,
		"b OR c":           {star},
		"-e ^f":            {star},
		"half an escape":   {broken},
		"percent or smile": nil,
		"hello":            nil,
	} {
		equal(t, fmt.Sprintf("tasks with %q", text), search(t, s, text), newestFirst(want...))
	}
}

func testSearchShort(t *testing.T, s store.Store) {
	a := insertOne(t, s, withSource(`{"m":"xq"}`))
	b := insertOne(t, s, withSource(`{"m":"XQZ"}`))
	insertOne(t, s, withSource(`{"m":"zx"}`))
	c := insertOne(t, s, withSource(`{"m":"好"}`))
	equal(t, "two letters", search(t, s, "xq"), newestFirst(a, b))
	equal(t, "three letters", search(t, s, "xqz"), []int64{b})
	equal(t, "one letter", search(t, s, "Q"), newestFirst(a, b))
	equal(t, "one wide letter", search(t, s, "好"), []int64{c})
	equal(t, "a wildcard alone", search(t, s, "%"), nil)
}

func testSearchFilters(t *testing.T, s store.Store) {
	var ofA, ofB []int64
	for range 4 {
		ofA = append(ofA, insertOne(t, s, withSource(`{"m":"shared text"}`)))
		ofB = append(ofB, insertOne(t, s, withSource(`{"m":"shared text"}`), of(clientB)))
		insertOne(t, s, of(clientB))
	}
	transition(t, s, dispatchapy.ActionStop, ofB[1])
	list := func(f store.TaskFilter) []int64 {
		f.Text = "Shared"
		return pages(t, s, f, 2)
	}
	equal(t, "any", list(store.TaskFilter{}), newestFirst(append(ofA, ofB...)...))
	equal(t, "of client B", list(store.TaskFilter{ClientIDs: []int64{clientB}}), newestFirst(ofB...))
	equal(t, "of client B, stopped", list(store.TaskFilter{ClientIDs: []int64{clientB}, Statuses: []dispatchapy.Status{dispatchapy.StatusStopped}}), []int64{ofB[1]})
	equal(t, "of nobody", list(store.TaskFilter{ClientIDs: []int64{}}), nil)
	equal(t, "with a ref", list(store.TaskFilter{Ref: "r1", EndpointIDs: []int64{endpointA}, ClientIDs: []int64{clientA}}), newestFirst(ofA...))
	equal(t, "with another ref", list(store.TaskFilter{Ref: "r2"}), nil)
}

func testSearchNamed(t *testing.T, s store.Store) {
	text := insertOne(t, s, withSource(`{"m":"shop talk"}`))
	client := insertOne(t, s, of(clientB))
	endpoint := insertOne(t, s, at(endpointB))
	resource := sent(t, s, `{}`)
	insertOne(t, s)
	named := store.NamedIDs{Clients: []int64{clientB}, Endpoints: []int64{endpointB}, Resources: []int64{resourceA}}
	for name, c := range map[string]struct {
		filter store.TaskFilter
		want   []int64
	}{
		"all of them":     {store.TaskFilter{Text: "shop", Named: named}, []int64{text, client, endpoint, resource}},
		"client only":     {store.TaskFilter{Text: "shop", Named: store.NamedIDs{Clients: []int64{clientB}}}, []int64{text, client}},
		"text in none":    {store.TaskFilter{Text: "zzz", Named: named}, []int64{client, endpoint, resource}},
		"short text":      {store.TaskFilter{Text: "zq", Named: named}, []int64{client, endpoint, resource}},
		"within a client": {store.TaskFilter{Text: "shop", Named: named, ClientIDs: []int64{clientA}}, []int64{text, endpoint, resource}},
		"other status":    {store.TaskFilter{Text: "shop", Named: named, Statuses: []dispatchapy.Status{dispatchapy.StatusHeld}}, nil},
	} {
		for _, limit := range []int{1, 10} {
			equal(t, name, pages(t, s, c.filter, limit), newestFirst(c.want...))
		}
	}
}

// testSearchFresh: whatever index a driver keeps, a task is found from the
// moment at which it is acknowledged.
func testSearchFresh(t *testing.T, s store.Store) {
	var want []int64
	for i := range 20 {
		l := insertLeased(t, s, withSource(fmt.Sprintf(`{"m":"fresh fish %d"}`, i)))
		want = append(want, l.Task.ID)
		equal(t, "by source", search(t, s, "fresh fish"), newestFirst(want...))
		record(t, s, store.Outcome{Lease: l.Lease, Status: dispatchapy.StatusPending, Attempts: []dispatchapy.Attempt{{
			Number: 1, ResourceID: resourceA, Outcome: dispatchapy.OutcomeFailed, StartedAt: now(),
			RequestBody: fmt.Appendf(nil, `{"t":"target of try %d."}`, i),
		}}})
		equal(t, "by target", search(t, s, fmt.Sprintf("TRY %d.", i)), []int64{l.Task.ID})
		if t.Failed() {
			return
		}
	}
}

func testSearchPages(t *testing.T, s store.Store) {
	var want []int64
	for i := range 300 {
		source := fmt.Sprintf(`{"m":"common words, number %d"}`, i)
		if i%60 == 7 {
			source = `{"m":"a rare bird"}`
		}
		id := insertOne(t, s, withSource(source))
		if i%60 == 7 {
			want = append(want, id)
		}
	}
	for _, limit := range []int{1, 2, 50} {
		equal(t, "rare text", pages(t, s, store.TaskFilter{Text: "rare bird"}, limit), newestFirst(want...))
	}
	if got := len(pages(t, s, store.TaskFilter{Text: "common words"}, 10)); got != 300-len(want) {
		t.Errorf("common text is in %d tasks, want %d", got, 300-len(want))
	}
	equal(t, "absent text", pages(t, s, store.TaskFilter{Text: "absent"}, 10), nil)
}

func testSearchDeleted(t *testing.T, s store.Store) {
	gone, kept := sent(t, s, `{"t":"ephemeral"}`), sent(t, s, `{"t":"ephemeral"}`)
	equal(t, "before", search(t, s, "ephemeral"), newestFirst(gone, kept))
	transition(t, s, dispatchapy.ActionDelete, gone)
	equal(t, "after", search(t, s, "ephemeral"), []int64{kept})
}

// testSearchSourceOnly: what was sent cannot be found.
func testSearchSourceOnly(t *testing.T, s store.Store) {
	const secret = "account-of-the-provider"
	ref := insertOne(t, s, func(n *store.NewTask) { n.Ref = "ref-" + secret })
	source := insertOne(t, s, withSource(`{"m":"`+secret+`"}`))
	var others []int64
	for range 40 {
		others = append(others, sent(t, s, `{"account":"`+secret+`"}`))
	}
	all := newestFirst(append(others, source, ref)...)
	for _, limit := range []int{1, 10} {
		f := store.TaskFilter{Text: secret, ClientIDs: []int64{clientA}}
		equal(t, "with what was sent", pages(t, s, f, limit), all)
		f.SourceOnly = true
		equal(t, "source only", pages(t, s, f, limit), newestFirst(source, ref))
		f.Named = store.NamedIDs{Resources: []int64{resourceA}}
		equal(t, "a resource by its name", pages(t, s, f, limit), all)
	}
}
