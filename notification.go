package dispatchapy

import "time"

// Via is a means to reach people.
type Via string

// The means.
const (
	ViaEmail   Via = "email"
	ViaWebhook Via = "webhook"
)

// ChannelRef names what people are reached through: a channel of the settings,
// or a resource's own notice.
type ChannelRef struct {
	Name       string // of a channel; "" for a resource's own notice
	ResourceID int64  // whose own notice it is; 0 for a channel
	Via        Via
}

// NotificationStatus is what has become of a notification.
type NotificationStatus string

// The statuses.
const (
	NotificationPending    NotificationStatus = "pending"    // waits for company, for its next attempt, or for the end of quiet hours
	NotificationProcessing NotificationStatus = "processing" // being sent
	NotificationSent       NotificationStatus = "sent"
	NotificationFailed     NotificationStatus = "failed"  // given up
	NotificationDropped    NotificationStatus = "dropped" // its channel is gone or switched off
)

// NotificationStatuses are all of them.
var NotificationStatuses = []NotificationStatus{NotificationPending, NotificationProcessing, NotificationSent, NotificationFailed, NotificationDropped}

// Finished reports whether nothing happens by itself any more.
func (s NotificationStatus) Finished() bool {
	return s == NotificationSent || s == NotificationFailed || s == NotificationDropped
}

// Notification is a message to people, about one event or several.
type Notification struct {
	ID       int64
	Channel  ChannelRef
	Status   NotificationStatus
	Kind     EventKind // of its latest event
	Severity Severity  // the highest of its events
	Events   int       // that it tells of

	CreatedAt  time.Time
	RunAt      time.Time // when it is due; zero if it is finished
	FinishedAt time.Time
	Attempts   int
	Title      string // what was sent, in a line; "" before the first attempt
	LastError  string // of the latest attempt, in the words of whoever refused it
}

// AlertTest is how the test of a channel ended.
type AlertTest struct {
	OK       bool
	To       string // whom or where it was sent, in words
	Title    string // what was sent, in a line
	Detail   string // what whoever took or refused it said
	Duration time.Duration
}

// AlertPreview is what a channel would say if a resource went down now.
type AlertPreview struct {
	Subject, Text string // of an email
	URL           string // of a webhook, secrets masked
	Body          []byte // of a webhook, secrets masked
	Refusal       string // why there is no body; "": there is one
}
