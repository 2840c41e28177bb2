package health

import (
	"context"
	"strings"
	"time"
	"unicode"

	"dispatchapy"
	"dispatchapy/internal/deliver"
	"dispatchapy/internal/routing"
)

// Limits of one check.
const (
	simpleTimeout = 3 * time.Second
	actualTimeout = 10 * time.Second

	// leaseFor covers a check and the writing of its result with ease. After a
	// crash it is how long the resource stays unchecked.
	leaseFor = 30 * time.Second

	maxExcerpt = 200 // characters of an answer kept in the history
)

// ask checks a resource. canceled says that there is no result, because the
// context ended or this machine cannot open a connection.
func (r *Runner) ask(ctx context.Context, res *routing.Resource) (check dispatchapy.Check, canceled bool) {
	check = dispatchapy.Check{
		ResourceID: res.ID,
		At:         r.now(),
		Method:     res.HealthCheck.Method,
	}
	var result deliver.Result
	if check.Method == dispatchapy.CheckActual {
		result = r.askActual(ctx, res, &check)
		if !result.CertificateEnds.IsZero() {
			r.watch.Certificate(res.ID, result.CertificateEnds)
		}
	} else {
		check.Method = dispatchapy.CheckSimple
		if result = r.askSimple(ctx, res); result.Outcome == dispatchapy.OutcomeDelivered {
			r.lookAtCertificate(ctx, res)
		}
	}
	check.OK = result.Outcome == dispatchapy.OutcomeDelivered
	check.StatusCode, check.Error = result.StatusCode, result.Error
	check.Detail = detail(result)
	check.Duration = result.Duration
	return check, result.Canceled || result.NotSent
}

// askSimple makes a TCP connection.
func (r *Runner) askSimple(ctx context.Context, res *routing.Resource) deliver.Result {
	addr, err := res.Target.Addr()
	if err != nil {
		return impossible(err)
	}
	ctx, cancel := context.WithTimeout(ctx, simpleTimeout)
	defer cancel()
	result := r.client.Dial(ctx, addr)
	if result.Outcome == dispatchapy.OutcomeDelivered {
		result.Detail = "connected to " + addr
	}
	return result
}

// askActual sends the test values the way a message would be sent.
func (r *Runner) askActual(ctx context.Context, res *routing.Resource, check *dispatchapy.Check) deliver.Result {
	body, err := testBody(res.Resource, check.At)
	if err != nil {
		return impossible(err)
	}
	target := res.Target
	target.Timeout = actualTimeout
	return r.client.Do(ctx, &target, "", body)
}

// impossible is the result of a check that cannot even be tried.
//
// Failure policy: fail closed. A check that cannot be made counts as failed,
// because people switched the gate on and would not notice that it is open.
func impossible(err error) deliver.Result {
	return deliver.Result{Outcome: dispatchapy.OutcomeFailed, Error: dispatchapy.ErrorOther, Detail: err.Error()}
}

// detail words a result: the error, and what the resource said.
func detail(result deliver.Result) string {
	said := excerpt(result.Body)
	switch {
	case said == "":
		return result.Detail
	case result.Detail == "":
		return said
	default:
		return result.Detail + ": " + said
	}
}

// excerpt makes one short printable line of an answer.
func excerpt(body []byte) string {
	if len(body) > 4*maxExcerpt {
		body = body[:4*maxExcerpt]
	}
	line := strings.Join(strings.Fields(strings.Map(printable, string(body))), " ")
	if runes := []rune(line); len(runes) > maxExcerpt {
		return string(runes[:maxExcerpt]) + "..."
	}
	return line
}

func printable(c rune) rune {
	if unicode.IsPrint(c) && c != unicode.ReplacementChar {
		return c
	}
	return ' '
}
