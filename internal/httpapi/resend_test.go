package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// resent is a task as it is shown.
type resent struct {
	ID            int64
	Status        string
	ResendOf      *int64                 `json:"resend_of"`
	ResentAs      []int64                `json:"resent_as"`
	SourcePayload struct{ Phone string } `json:"source_payload"`
	Log           []struct{ Message string }
}

func (l *live) resend(id int64, body string) resent {
	l.t.Helper()
	var got resent
	answer := l.do(request{method: http.MethodPost, path: fmt.Sprintf("/v1/tasks/%d/resend", id), body: body}).want(201)
	decode(l.t, answer.body, &got)
	if want := fmt.Sprintf("/v1/tasks/%d", got.ID); answer.header.Get("Location") != want {
		l.t.Errorf("Location %q, want %s", answer.header.Get("Location"), want)
	}
	return got
}

func (l *live) task(id int64) resent {
	l.t.Helper()
	var got resent
	decode(l.t, l.get(fmt.Sprintf("/v1/tasks/%d", id)).want(200).body, &got)
	return got
}

func (t *resent) says(text string) bool {
	return slices.ContainsFunc(t.Log, func(l struct{ Message string }) bool { return strings.Contains(l.Message, text) })
}

func TestResendOfAFailedTask(t *testing.T) {
	l := newLive(t)
	l.primary.answerWith(400, "no")
	l.backup.answerWith(400, "no")
	l.send(shopToken, `{"ref":"r","scope":"s","phone":"1"}`)
	l.ended()
	l.primary.received(t)
	l.backup.received(t)
	before := l.task(1)
	l.primary.answerWith(200, "")

	made := l.resend(1, `{"payload":{"ref":"r","scope":"s","phone":"2"}}`)
	l.ended()
	if got := l.primary.received(t); !strings.Contains(got.Body, `"to":"2"`) {
		t.Errorf("sent %s", got.Body)
	}
	if made.ResendOf == nil || *made.ResendOf != 1 || !made.says("made from task 1 by admin") {
		t.Errorf("new task %+v", made)
	}
	after := l.task(1)
	if !slices.Equal(after.ResentAs, []int64{made.ID}) {
		t.Errorf("task 1 was resent as %v, want %d", after.ResentAs, made.ID)
	}
	if after.ResentAs = before.ResentAs; fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the original changed from %+v to %+v", before, after)
	}
	same := l.resend(1, `{"confirm":true}`)
	l.ended()
	if got := l.primary.received(t); !strings.Contains(got.Body, `"to":"1"`) || same.SourcePayload.Phone != "1" {
		t.Errorf("as it was: sent %s", got.Body)
	}
}

func TestResendToOneResource(t *testing.T) {
	l := newLive(t)
	l.send(shopToken, `{"ref":"r","scope":"s","phone":"1"}`)
	l.ended()
	l.primary.received(t)
	l.backup.answerWith(400, "no")
	made := l.resend(1, `{"resource":"backup","confirm":true}`)
	l.ended()
	l.backup.received(t)
	l.primary.nothing(t)
	if got := l.task(made.ID); got.Status != "failed" {
		t.Errorf("refused by the only resource: the task is %s", got.Status)
	}
}

func TestResendOfAHeldTaskReplacesIt(t *testing.T) {
	l := newLive(t)
	held := l.insert("shop", true)
	made := l.resend(held, `{"payload":{"ref":"r","scope":"s","phone":"7"}}`)
	l.ended()
	if got := l.primary.received(t); !strings.Contains(got.Body, `"to":"7"`) {
		t.Errorf("sent %s", got.Body)
	}
	old := l.task(held)
	if old.Status != "stopped" || !old.says(fmt.Sprintf("task %d takes its place", made.ID)) {
		t.Errorf("the held task is %s: %+v", old.Status, old.Log)
	}
	if got := l.task(made.ID); got.Status != "success" {
		t.Errorf("the new task is %s", got.Status)
	}
	l.do(request{method: http.MethodPost, path: fmt.Sprintf("/v1/tasks/%d/send", held)}).wantProblem(409, dispatchapy.CodeConflict)
	again := l.do(request{method: http.MethodPost, path: fmt.Sprintf("/v1/tasks/%d/resend", held), body: `{}`})
	if p := again.wantProblem(409, dispatchapy.CodeConflict); !strings.Contains(p.Detail, "already") {
		t.Errorf("a second click gave %s", p.Detail)
	}
	l.primary.nothing(t)
}

// TestResendOfAHeldTaskThatSomebodyElseSends lets the other be faster.
func TestResendOfAHeldTaskThatSomebodyElseSends(t *testing.T) {
	l := newLive(t)
	held := l.insert("shop", true)
	l.store.beforeStop = func() {
		l.do(request{method: http.MethodPost, path: fmt.Sprintf("/v1/tasks/%d/send", held)}).want(200)
		l.ended()
	}
	body := `{"payload":{"ref":"r","scope":"s","phone":"7"}}`
	l.do(request{method: http.MethodPost, path: fmt.Sprintf("/v1/tasks/%d/resend", held), body: body}).wantProblem(409, dispatchapy.CodeConflict)
	if got := l.get("/v1/tasks").want(200).body; strings.Count(got, `"id":`) != 1 {
		t.Errorf("there is more than the one task: %s", got)
	}
	l.primary.received(t)
	l.primary.nothing(t)
}

func TestResendObeysHoldSwitches(t *testing.T) {
	l := newLive(t)
	l.send(shopToken, `{"ref":"r","scope":"s","phone":"1"}`)
	l.ended()
	l.primary.received(t)
	l.apply(strings.Replace(fmt.Sprintf(liveFile, l.primary.URL, l.backup.URL), "dev: {rules_enabled: true,", "dev: {hold: true, rules_enabled: true,", 1))
	if made := l.resend(1, `{"confirm":true}`); made.Status != "held" {
		t.Errorf("the new task is %s", made.Status)
	}
	l.primary.nothing(t)
}

func TestResendIsRefused(t *testing.T) {
	l := newLive(t)
	l.send(shopToken, `{"ref":"r","scope":"s","phone":"1"}`)
	l.ended()
	l.primary.received(t)
	pending := l.insert("shop", false)
	cfg := l.table.Load().Config
	leased, err := l.store.InsertTasks(t.Context(), []store.NewTask{{LeaseFor: 1 << 40, Submission: dispatchapy.Submission{
		ClientID: cfg.Client("shop").ID, EndpointID: cfg.Endpoint("sms").ID, Source: []byte(`{"ref":"r","scope":"s","phone":"1"}`), MaxAttempts: 1,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	good := `{"confirm":true}`
	tests := []struct {
		name   string
		id     int64
		body   string
		token  string
		status int
		says   string
	}{
		{"delivered", 1, `{}`, "", 409, "confirm"},
		{"pending", pending, `{}`, "", 409, "stop it first"},
		{"being sent", leased[0].TaskID, good, "", 409, "is being sent"},
		{"somebody else's", 1, good, bankToken, 404, "no task 1"},
		{"unknown", 4711, good, "", 404, "no task 4711"},
		{"parameter missing", 1, `{"confirm":true,"payload":{"ref":"r","scope":"s"}}`, "", 422, "Missing required parameter: phone"},
		{"no object", 1, `{"confirm":true,"payload":[]}`, "", 422, "must be a JSON object"},
		{"foreign resource", 1, `{"confirm":true,"resource":"fax"}`, "", 422, "not among the resources"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := l.do(request{method: http.MethodPost, path: fmt.Sprintf("/v1/tasks/%d/resend", tt.id), body: tt.body, token: tt.token}).want(tt.status)
			if !strings.Contains(got.body, tt.says) {
				t.Errorf("answer %s, want %q", got.body, tt.says)
			}
		})
	}
	without := strings.Replace(fmt.Sprintf(liveFile, l.primary.URL, l.backup.URL), "{name: shop, token: shop-token-1234, endpoints: [sms],", "{name: shop, token: shop-token-1234,", 1)
	l.apply(without)
	l.do(request{method: http.MethodPost, path: "/v1/tasks/1/resend", body: good}).wantProblem(409, dispatchapy.CodeConflict)
	l.apply("version: 1\n")
	l.do(request{method: http.MethodPost, path: "/v1/tasks/1/resend", body: good}).wantProblem(409, dispatchapy.CodeConflict)
	l.primary.nothing(t)
}

func TestBatchDryRun(t *testing.T) {
	g := newGateway(t)
	pending, held, foreign := g.insert("shop", false), g.insert("shop", true), g.insert("bank", false)
	tests := []struct {
		name, token, body string
		want              int
		skipped           string
	}{
		{"by filter, those whose status allows it", "", `{"action":"send","filter":{},"dry_run":true}`, 1, `,"skipped":{"queued":2}`},
		{"by filter, everybody's", "", `{"action":"stop","filter":{},"dry_run":true}`, 3, ""},
		{"by filter, a client's own", shopToken, `{"action":"stop","filter":{},"dry_run":true}`, 2, ""},
		{"by ids", "", fmt.Sprintf(`{"action":"send","ids":[%d,%d,%d,%d,4711],"dry_run":true}`, pending, held, held, foreign), 1, `,"skipped":{"gone":1,"queued":2}`},
		{"by ids, a client's own", shopToken, fmt.Sprintf(`{"action":"stop","ids":[%d,%d,%d],"dry_run":true}`, pending, held, foreign), 2, `,"skipped":{"gone":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := g.do(request{method: http.MethodPost, path: "/v1/tasks/batch", body: tt.body, token: tt.token})
			got.t = t
			got.want(200).wantDocumented(g.document(), http.MethodPost, "/v1/tasks/batch")
			want := fmt.Sprintf(`{"succeeded":0,"failed":0,"results":[],"next":null,"matching":%d,"at_least":false%s}`, tt.want, tt.skipped)
			if strings.TrimSpace(got.body) != want {
				t.Errorf("answer %s, want %s", got.body, want)
			}
		})
	}
	if got := g.list("status=pending"); len(got.Items) != 2 {
		t.Errorf("a dry run changed tasks: %+v", got)
	}
	g.do(request{method: http.MethodPost, path: "/v1/tasks/batch", body: `{"action":"delete","filter":{},"dry_run":true}`}).wantProblem(422, dispatchapy.CodeInvalid)
}
