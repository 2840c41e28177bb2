package notify

import (
	"fmt"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// titles word kinds of events in a line. They are formats for the name of what
// an event is about.
var titles = map[dispatchapy.EventKind]string{
	dispatchapy.EventResourceDown:        "Resource %q is DOWN",
	dispatchapy.EventResourceUp:          "Resource %q is UP again",
	dispatchapy.EventResourceFlapping:    "Resource %q is going down and up all the time",
	dispatchapy.EventResourceReminder:    "Resource %q is still DOWN",
	dispatchapy.EventResourceSaturated:   "Resource %q is at its limits",
	dispatchapy.EventResourceUnsaturated: "Resource %q has room again",
	dispatchapy.EventBreakerOpen:         "Deliveries to resource %q fail",
	dispatchapy.EventBreakerClosed:       "Deliveries to resource %q work again",
	dispatchapy.EventCertificateExpiring: "The certificate of resource %q expires",
	dispatchapy.EventCertificateRenewed:  "The certificate of resource %q was renewed",
	dispatchapy.EventEndpointOnBackup:    "Endpoint %q runs on a backup",
	dispatchapy.EventEndpointOnPrimary:   "Endpoint %q is back on its first choice",
	dispatchapy.EventEndpointDown:        "Endpoint %q is DOWN",
	dispatchapy.EventEndpointUp:          "Endpoint %q is UP again",
	dispatchapy.EventBacklogOld:          "Messages of endpoint %q wait too long",
	dispatchapy.EventBacklogOK:           "Messages of endpoint %q do not wait any more",
	dispatchapy.EventFailuresHigh:        "Too much fails at endpoint %q",
	dispatchapy.EventFailuresOK:          "Little fails at endpoint %q again",
	dispatchapy.EventTaskFailed:          "A task of endpoint %q failed for good",
	dispatchapy.EventConfigChanged:       "The configuration was changed",
	dispatchapy.EventLoginThrottled:      "Somebody tries too often to sign in",
}

// titleOf says in a line what happened.
func titleOf(e *store.EventDetail) string {
	format, known := titles[e.Kind]
	switch {
	case !known:
		return string(e.Kind)
	case e.Kind == dispatchapy.EventConfigChanged || e.Kind == dispatchapy.EventLoginThrottled:
		return format
	case e.ResourceID != 0 || e.Resource != "":
		return fmt.Sprintf(format, cut(e.Resource, maxNamed))
	}
	return fmt.Sprintf(format, cut(e.Endpoint, maxNamed))
}
