package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// Task is a task as it stands in a list. It is exported because huma describes
// no others where they are embedded.
type Task struct {
	ID            int64              `json:"id"`
	Status        dispatchapy.Status `json:"status" enum:"pending,processing,success,failed,stopped,held"`
	Phase         dispatchapy.Phase  `json:"phase" enum:"queued,retrying,waiting,sending,delivered,failed,held,stopped" doc:"The status, with pending taken apart: retrying was tried, waiting finds no resource of its endpoint usable at this moment"`
	Client        string             `json:"client"`
	Endpoint      string             `json:"endpoint"`
	Ref           string             `json:"ref"`
	Scope         string             `json:"scope"`
	Resource      *string            `json:"resource" doc:"Of the latest attempt, null before the first"`
	SourcePayload object             `json:"source_payload" doc:"As it was received"`
	AttemptCount  int                `json:"attempt_count" doc:"Spent of max_attempts"`
	MaxAttempts   int                `json:"max_attempts"`
	LastError     *string            `json:"last_error"`
	CreatedAt     timestamp          `json:"created_at"`
	RunAt         *timestamp         `json:"run_at" nullable:"true" doc:"When the next attempt is due, null if none will be made"`
	FinishedAt    *timestamp         `json:"finished_at" nullable:"true"`
	ResendOf      *int64             `json:"resend_of" doc:"The task that this one was made from, null if it was none"`
}

// taskDetail is a task with its history.
type taskDetail struct {
	Task
	TargetPayload object          `json:"target_payload" nullable:"true" doc:"As it was sent in the latest attempt, null before the first"`
	Attempts      []attempt       `json:"attempts"`
	Log           []logEntry      `json:"log"`
	Timeline      []timelineEntry `json:"timeline" doc:"All of this in one, in order of time, with what the task is waiting for at the end"`
	ResentAs      []int64         `json:"resent_as" doc:"Tasks that were made from this one, the latest ones"`
	Routes        []route         `json:"routes" doc:"Of a pending task: the resources of its endpoint in order, and what keeps them from taking it at this moment"`
}

type route struct {
	Resource string  `json:"resource"`
	Usable   bool    `json:"usable"`
	Reason   string  `json:"reason" doc:"Why it cannot be used: switched off, down, failing, paused, full or rate limited"`
	WaitMS   float64 `json:"wait_ms" doc:"In how long that may change by itself, 0 if that is not known"`
	Refused  bool    `json:"refused" doc:"It refused this task and is not tried again before somebody retries it"`
}

type attempt struct {
	Number       int                        `json:"number" doc:"From 1, over the whole life of the task"`
	Resource     string                     `json:"resource"`
	Place        int                        `json:"place,omitempty" doc:"Of the resource in failover order, from 1"`
	Routes       int                        `json:"routes,omitempty" doc:"How many resources there were"`
	PassedOver   []passedOver               `json:"passed_over,omitempty" doc:"Resources before it that were not tried in this round"`
	Outcome      dispatchapy.AttemptOutcome `json:"outcome" enum:"success,failed,refused"`
	StatusCode   *int                       `json:"status_code" doc:"Null if no answer was received"`
	Error        *dispatchapy.ErrorClass    `json:"error"`
	Detail       string                     `json:"detail"`
	Request      *attemptRequest            `json:"request,omitempty" doc:"As it was sent, secrets masked; absent if there was none, it is not known, or not for you to read"`
	Headers      []header                   `json:"response_headers" doc:"Of the answer, up to 4 KiB; secrets masked"`
	Omitted      int                        `json:"response_headers_omitted" doc:"How many were left out, the longest"`
	ResponseBody string                     `json:"response_body"`
	Abridged     bool                       `json:"abridged,omitempty" doc:"Request and answer are left out, because later attempts have so much of them"`
	StartedAt    timestamp                  `json:"started_at"`
	DurationMS   float64                    `json:"duration_ms"`
	Timing       timing                     `json:"timing" doc:"Parts of the duration; 0 where a part did not happen"`
}

// attemptRequest is what an attempt sent.
type attemptRequest struct {
	Method  string   `json:"method"`
	URL     string   `json:"url"`
	Headers []header `json:"headers"`
	Body    object   `json:"body" nullable:"true"`
	Curl    string   `json:"curl" doc:"A command that sends it once more, with $SECRET_... in the place of secrets"`
}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type timing struct {
	DNSMS       float64 `json:"dns_ms"`
	ConnectMS   float64 `json:"connect_ms"`
	TLSMS       float64 `json:"tls_ms"`
	FirstByteMS float64 `json:"first_byte_ms"`
}

type logEntry struct {
	At      timestamp           `json:"at"`
	Message string              `json:"message"`
	Kind    dispatchapy.LogKind `json:"kind,omitempty" doc:"What the message says, absent if it is only text"`
}

// TaskFilter are the filters of a list of tasks.
type TaskFilter struct {
	Status   []string  `query:"status,explode" doc:"Any of these: repeat it, or separate with commas"`
	Phase    []string  `query:"phase,explode" doc:"Any of these, at this moment: queued, retrying, waiting, sending, delivered, failed, held, stopped"`
	Text     string    `query:"q" doc:"Text anywhere in payloads, names, ref and scope, ignoring case"`
	Client   []string  `query:"client,explode" doc:"Any of these names"`
	Endpoint []string  `query:"endpoint,explode" doc:"Any of these paths"`
	Resource []string  `query:"resource,explode" doc:"Resource of the latest attempt: any of these names"`
	Ref      string    `query:"ref" doc:"Exactly this, or with * at its end what it begins with"`
	Scope    string    `query:"scope"`
	Since    time.Time `query:"since" doc:"Accepted at or after"`
	Until    time.Time `query:"until" doc:"Accepted before"`
}

func (f *TaskFilter) filter() service.TaskFilter {
	return service.TaskFilter{
		Statuses:  typed[dispatchapy.Status](f.Status),
		Phases:    typed[dispatchapy.Phase](f.Phase),
		Clients:   f.Client,
		Endpoints: f.Endpoint,
		Resources: f.Resource,
		Ref:       f.Ref,
		Scope:     f.Scope,
		Since:     f.Since,
		Until:     f.Until,
		Text:      f.Text,
	}
}

func (a *api) registerTasks() {
	type listInput struct {
		TaskFilter
		Paging
	}
	register(a, operation(http.MethodGet, "/v1/tasks", "list-tasks", "tasks", "List tasks, newest first"),
		func(ctx context.Context, p dispatchapy.Principal, in *listInput) (*answer[list[Task]], error) {
			found, err := a.service.ListTasks(ctx, p, in.filter(), in.request())
			return page(found, newTask), err
		})
	register(a, operation(http.MethodGet, "/v1/tasks/counts", "count-tasks", "tasks", "Count tasks by phase"),
		func(ctx context.Context, p dispatchapy.Principal, in *TaskFilter) (*answer[taskCounts], error) {
			found, err := a.service.CountTasks(ctx, p, in.filter())
			return &answer[taskCounts]{newTaskCounts(found)}, err
		})
	register(a, operation(http.MethodGet, "/v1/tasks/{id}", "get-task", "tasks", "Get a task with its attempts and log"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*answer[taskDetail], error) {
			found, err := a.service.Task(ctx, p, in.ID)
			return &answer[taskDetail]{newTaskDetail(&found)}, err
		})
}

// taskCounts has an entry for every phase.
type taskCounts struct {
	Queued    count `json:"queued"`
	Retrying  count `json:"retrying"`
	Waiting   count `json:"waiting"`
	Sending   count `json:"sending"`
	Delivered count `json:"delivered"`
	Failed    count `json:"failed"`
	Held      count `json:"held"`
	Stopped   count `json:"stopped"`
}

type count struct {
	Count   int  `json:"count" doc:"At most 1,000"`
	AtLeast bool `json:"at_least" doc:"There may be more: counting is bounded"`
}

func newTaskCounts(counts map[dispatchapy.Phase]service.Count) taskCounts {
	of := func(p dispatchapy.Phase) count { return count{Count: counts[p].N, AtLeast: counts[p].AtLeast} }
	return taskCounts{
		Queued: of(dispatchapy.PhaseQueued), Retrying: of(dispatchapy.PhaseRetrying), Waiting: of(dispatchapy.PhaseWaiting),
		Sending: of(dispatchapy.PhaseSending), Delivered: of(dispatchapy.PhaseDelivered), Failed: of(dispatchapy.PhaseFailed),
		Held: of(dispatchapy.PhaseHeld), Stopped: of(dispatchapy.PhaseStopped),
	}
}

func newTask(t *service.Task) Task {
	out := Task{
		ID:            t.ID,
		Status:        t.Status,
		Phase:         t.Phase,
		Client:        t.Client,
		Endpoint:      t.Endpoint,
		Ref:           t.Ref,
		Scope:         t.Scope,
		Resource:      optional(t.Resource),
		SourcePayload: payload(t.Source),
		AttemptCount:  t.AttemptCount,
		MaxAttempts:   t.MaxAttempts,
		LastError:     optional(t.LastError),
		CreatedAt:     timestamp(t.CreatedAt),
		FinishedAt:    optionalTime(t.FinishedAt),
		ResendOf:      optional(t.ResendOf),
	}
	if t.Status == dispatchapy.StatusPending || t.Status == dispatchapy.StatusProcessing {
		out.RunAt = optionalTime(t.RunAt)
	}
	return out
}

func newTaskDetail(d *service.TaskDetail) taskDetail {
	out := taskDetail{
		Task:          newTask(&d.Task),
		TargetPayload: payload(d.Target),
		Attempts:      make([]attempt, len(d.Attempts)),
		Log:           make([]logEntry, len(d.Log)),
		ResentAs:      emptyIfNil(d.Resent),
		Timeline:      make([]timelineEntry, len(d.Timeline)),
		Routes:        newRoutes(d.Routes),
	}
	for i := range d.Timeline {
		out.Timeline[i] = newTimelineEntry(&d.Timeline[i])
	}
	for i := range d.Attempts {
		out.Attempts[i] = newAttempt(&d.Attempts[i])
		out.Attempts[i].PassedOver = newPassedOver(d.Attempts[i].PassedBy)
	}
	for i, entry := range d.Log {
		out.Log[i] = logEntry{At: timestamp(entry.At), Message: entry.Message, Kind: entry.Kind}
	}
	return out
}

func newAttempt(a *service.Attempt) attempt {
	out := attempt{
		Number:       a.Number,
		Resource:     a.Resource,
		Place:        a.Place,
		Routes:       a.Routes,
		Outcome:      a.Outcome,
		StatusCode:   optional(a.StatusCode),
		Error:        optional(a.Error),
		Detail:       a.Detail,
		Headers:      []header{},
		ResponseBody: strings.ToValidUTF8(string(a.ResponseBody), "\uFFFD"),
		Abridged:     a.Abridged,
		StartedAt:    timestamp(a.StartedAt),
		DurationMS:   milliseconds(a.Duration),
		Timing:       newTiming(a.Timing),
	}
	if x := a.Exchange; x != nil {
		out.Request = &attemptRequest{
			Method: x.Method, URL: x.URL, Headers: newHeaders(x.Request), Body: payload(a.RequestBody), Curl: a.Curl(),
		}
		out.Headers, out.Omitted = newHeaders(x.Response), x.Omitted
	}
	return out
}

func newHeaders(headers []dispatchapy.Header) []header {
	out := make([]header, len(headers))
	for i, h := range headers {
		out[i] = header{Name: h.Name, Value: strings.ToValidUTF8(h.Value, "\uFFFD")}
	}
	return out
}

func newTiming(t dispatchapy.Timing) timing {
	return timing{
		DNSMS:       milliseconds(t.DNS),
		ConnectMS:   milliseconds(t.Connect),
		TLSMS:       milliseconds(t.TLS),
		FirstByteMS: milliseconds(t.FirstByte),
	}
}
