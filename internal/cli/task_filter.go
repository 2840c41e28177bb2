package cli

import (
	"net/url"
	"time"

	"dispatchapy"
)

// taskFilter selects tasks.
type taskFilter struct {
	Status   []string `help:"Only these statuses: pending, processing, success, failed, stopped, held." placeholder:"STATUS"`
	Query    string   `short:"q" help:"Only tasks with this text in payloads, names, ref or scope." placeholder:"TEXT"`
	Client   string   `help:"Only this client's." placeholder:"NAME"`
	Endpoint string   `help:"Only this endpoint's." placeholder:"PATH"`
	Resource string   `help:"Only those last sent to this resource." placeholder:"NAME"`
	Ref      string   `help:"Only this ref; with * at the end: refs that begin so." placeholder:"REF"`
	Scope    string   `help:"Only this scope." placeholder:"SCOPE"`
	Since    string   `help:"Only those accepted since then: a duration like 2h, or an RFC 3339 time." placeholder:"WHEN"`
	Until    string   `help:"Only those accepted before then: a duration like 2h, or an RFC 3339 time." placeholder:"WHEN"`
}

// query gives the filter as the API's parameters. Nothing in it selects all.
func (f *taskFilter) query() (url.Values, error) {
	since, err := moment("--since", f.Since)
	if err != nil {
		return nil, err
	}
	until, err := moment("--until", f.Until)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	for key, value := range map[string]string{
		"q": f.Query, "client": f.Client, "endpoint": f.Endpoint, "resource": f.Resource, "ref": f.Ref, "scope": f.Scope,
		"since": since, "until": until,
	} {
		if value != "" {
			query.Set(key, value)
		}
	}
	if len(f.Status) > 0 {
		query["status"] = f.Status
	}
	return query, nil
}

// body gives the filter as the body of a batch has it; nil if it selects all.
func (f *taskFilter) body() (map[string]any, error) {
	query, err := f.query()
	if err != nil || len(query) == 0 {
		return nil, err
	}
	body := make(map[string]any, len(query))
	for key, values := range query {
		body[key] = values[0]
		if key == "status" {
			body[key] = values
		}
	}
	return body, nil
}

// moment turns how long ago something was, or when, into the API's form.
func moment(flag, when string) (string, error) {
	if when == "" {
		return "", nil
	}
	if ago, err := time.ParseDuration(when); err == nil {
		return time.Now().Add(-ago).UTC().Format(time.RFC3339Nano), nil
	}
	if _, err := time.Parse(time.RFC3339, when); err != nil {
		return "", dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s: %q is neither a duration like 2h nor a time like 2026-01-02T15:04:05Z", flag, when)
	}
	return when, nil
}
