package service

import (
	"fmt"
	"net/http"
	"strings"

	"dispatchapy"
)

// ReadsProviders reports whether p may read what is exchanged with providers,
// their names included where pages are made for people.
func (s *Service) ReadsProviders(p dispatchapy.Principal) bool { return s.mayReadProviders(p) }

// mayReadProviders reports whether p may read what is exchanged with
// providers: requests, answers and errors with addresses in them.
func (s *Service) mayReadProviders(p dispatchapy.Principal) bool {
	if p.IsStaff() {
		return true
	}
	client := s.table.Load().ClientByID(p.ClientID)
	return client != nil && client.ShowProviderBodies
}

// discreet leaves a task's last error away as far as it may tell something of
// a provider.
func discreet(t *Task) {
	switch {
	case t.LastError == "":
	case t.Status == dispatchapy.StatusFailed:
		t.LastError = "it could not be delivered"
	default:
		t.LastError = "the latest attempt failed"
	}
}

// discreetDetail keeps how every attempt ended, and leaves away what was sent
// and answered. Errors that quote a provider's address are worded anew, in the
// log too.
func discreetDetail(d *TaskDetail) {
	discreet(&d.Task)
	d.Target = nil
	for i := range d.Attempts {
		a := &d.Attempts[i]
		a.RequestBody, a.ResponseBody, a.Exchange = nil, nil, nil
		if a.Error == dispatchapy.ErrorTransform || a.Detail == "" {
			continue // about the client's own payload
		}
		words := discreetWords(a.StatusCode, a.Error)
		for j := range d.Log {
			d.Log[j].Message = strings.ReplaceAll(d.Log[j].Message, a.Detail, words)
		}
		a.Detail = words
	}
}

// discreetWords says how a request ended without quoting anybody.
func discreetWords(statusCode int, class dispatchapy.ErrorClass) string {
	switch {
	case statusCode > 0:
		return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", statusCode, http.StatusText(statusCode)))
	case class != "":
		return "no answer: " + string(class)
	}
	return ""
}

// shownURL gives an address as p may read it: whoever may not read secrets does
// not see what its query has under a telling name.
func shownURL(p dispatchapy.Principal, url string) string {
	if p.May(dispatchapy.ReadSecrets) || !strings.Contains(url, "?") {
		return url
	}
	return dispatchapy.MaskURL(url)
}

// hideAddresses does so in a copy of a resource that is going to be shown.
func hideAddresses(p dispatchapy.Principal, r *dispatchapy.Resource) {
	r.URL = shownURL(p, r.URL)
	if r.Notify != nil {
		hideAddress(p, r.Notify.Webhook)
	}
}

func hideAddress(p dispatchapy.Principal, n *dispatchapy.WebhookNotice) {
	if n != nil {
		n.URL = shownURL(p, n.URL)
	}
}
