package signin

import (
	"errors"
	"fmt"
	"net/http"

	"dispatchapy"
)

// unreachable says that the provider could not be asked.
type unreachable struct{ error }

// decided is an error of package people, which has written it down.
type decided struct{ error }

// Unwrap gives the error.
func (d decided) Unwrap() error { return d.error }

// fail answers with a page that tells strangers nothing. What happened is in
// the log.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusForbidden, "You could not be signed in.\nTry again at "+Path+", or ask an administrator of this gateway for access."
	var (
		down    unreachable
		refused decided
	)
	switch {
	case errors.As(err, &down),
		errors.As(err, &refused) && dispatchapy.ErrorCode(err) == dispatchapy.CodeUnavailable:
		status, text = http.StatusServiceUnavailable, "Signing in with your organisation is not possible at the moment.\nTry again in a few seconds, or sign in with a password."
		w.Header().Set("Retry-After", "5")
	case !errors.As(err, &refused):
		d.options.People.RefuseExternal(r.Context(), from(r))
	}
	d.options.Log.Warn("nobody was signed in by the OpenID Connect provider", "error", err, "status", status)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
