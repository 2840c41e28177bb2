package store

import (
	"fmt"
	"strings"

	"dispatchapy"
)

const (
	fewChanges = 5   // that an event names; of more it says how many there were
	maxChanged = 100 // characters of a name or of keys in an event
)

// done words the actions of an audit entry as what somebody did.
var done = map[string]string{
	"create":                     "created",
	"update":                     "updated",
	"delete":                     "deleted",
	"rotate key":                 "rotated the secret key",
	"change password":            "changed the password of",
	"renew the password hash of": "renewed the password hash of",
}

// ConfigChanged gives the event of a change with these audit entries, of which
// there is at least one. It says who did what to which objects, and no values.
func ConfigChanged(entries []AuditEntry) dispatchapy.Event {
	deeds := make([]string, 0, fewChanges)
	for i := range entries[:min(len(entries), fewChanges)] {
		deeds = append(deeds, deed(&entries[i]))
	}
	detail := entries[0].By + " " + strings.Join(deeds, ", ")
	if more := len(entries) - fewChanges; more > 0 {
		detail += fmt.Sprintf(", and made %d more changes", more)
	} else if len(entries) == 1 && entries[0].Action == "update" && entries[0].Detail != "" {
		detail += ": " + cut(entries[0].Detail)
	}
	return dispatchapy.Event{Kind: dispatchapy.EventConfigChanged, At: entries[0].At, Detail: detail}
}

// deed words an entry: "updated resource sms-primary".
func deed(e *AuditEntry) string {
	words := done[e.Action]
	if words == "" {
		words = e.Action
	}
	switch e.Kind {
	case "":
		return words
	case KindSettings:
		return words + " the settings"
	case KindToken:
		return words + " API token " + cut(e.Name)
	}
	return words + " " + string(e.Kind) + " " + cut(e.Name)
}

func cut(text string) string {
	if runes := []rune(text); len(runes) > maxChanged {
		return string(runes[:maxChanged-1]) + "…"
	}
	return text
}
