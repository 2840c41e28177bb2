package original

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"dispatchapy"
)

// Limits of texts in bytes.
const (
	maxDetail = 4 << 10  // of a detail, an error, a line of a log
	maxBody   = 64 << 10 // of a provider's answer
)

// attemptDetails is how the original writes down an attempt.
var attemptDetails = regexp.MustCompile(`(?s)^Status Code: (\S+) - Details: (.*)$`)

// attempt reads one attempt of a task.
func (h *historian) attempt(row row, d *draft) Attempt {
	a := Attempt{}
	a.StartedAt = row.time("attempt_at")
	name := row.text("resource_name")
	a.Resource, _ = resolve(h.world.resources, row.id("resource_id"), name, a.StartedAt)
	if a.StartedAt.IsZero() {
		a.StartedAt = d.Task.Task.CreatedAt
	}
	details := row.text("details")
	if found := attemptDetails.FindStringSubmatch(details); found != nil {
		a.StatusCode, details = statusCode(found[1]), found[2]
	}
	if row.text("status") == string(dispatchapy.OutcomeDelivered) {
		a.Outcome = dispatchapy.OutcomeDelivered
		a.ResponseBody = []byte(clip(details, maxBody))
		return a
	}
	a.Outcome = outcome(a.StatusCode)
	a.Detail = clip(details, maxDetail)
	a.Error = classify(a.StatusCode, a.Detail)
	return a
}

// completeAttempts adds what the original keeps with the task: the payload that
// was sent last. A task of which something was sent, but no attempt is logged,
// gets an attempt made of its row, so that the payload can be seen and found.
func (h *historian) completeAttempts(d *draft) {
	if d.target == nil {
		return
	}
	task := &d.Task.Task
	if len(d.Attempts) == 0 {
		if d.Resource == "" {
			return // it was prepared, but never sent
		}
		a := Attempt{Resource: d.Resource}
		a.StartedAt = h.finishedAt(d)
		a.Outcome = dispatchapy.OutcomeDelivered
		a.Detail = "the original kept no record of this attempt"
		if task.Status != dispatchapy.StatusSuccess {
			a.Outcome = dispatchapy.OutcomeFailed
			a.Error = classify(0, task.LastError)
		}
		d.Attempts = append(d.Attempts, a)
		h.tally.add("tasks that were sent, but without a record of the attempt, which was made up from the task", d.ID)
	}
	d.Attempts[len(d.Attempts)-1].RequestBody = d.target
}

// statusCode reads an HTTP status, 0 if there was none.
func statusCode(s string) int {
	if n, err := strconv.Atoi(s); err == nil && n >= 100 && n <= 599 {
		return n
	}
	return 0
}

// outcome says of a failed attempt what this gateway would say: whether the
// answer was definite.
func outcome(status int) dispatchapy.AttemptOutcome {
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return dispatchapy.OutcomeFailed
	case status >= 400 && status < 500:
		return dispatchapy.OutcomeRefused
	}
	return dispatchapy.OutcomeFailed
}

// errorWords finds the class of an error in its text, the first match counts.
var errorWords = []struct {
	class dispatchapy.ErrorClass
	words []string
}{
	{dispatchapy.ErrorDNS, []string{"name resolution", "name or service not known", "getaddrinfo", "nodename nor servname"}},
	{dispatchapy.ErrorTLS, []string{"ssl", "certificate"}},
	{dispatchapy.ErrorTimeout, []string{"timed out", "timeout"}},
	{dispatchapy.ErrorRefused, []string{"connection refused", "unreachable"}},
	{dispatchapy.ErrorReset, []string{"connection reset", "connection aborted", "remote end closed"}},
}

func classify(status int, detail string) dispatchapy.ErrorClass {
	switch {
	case status >= 500:
		return dispatchapy.ErrorStatus5xx
	case status >= 400:
		return dispatchapy.ErrorStatus4xx
	case status >= 300:
		return dispatchapy.ErrorRedirect
	}
	detail = strings.ToLower(detail)
	for _, known := range errorWords {
		for _, word := range known.words {
			if strings.Contains(detail, word) {
				return known.class
			}
		}
	}
	return dispatchapy.ErrorOther
}

// clip shortens text to at most n bytes, at the end of a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
