package store

import (
	"context"
	"time"

	"dispatchapy"
)

// Notifications is what a driver keeps of what people are told.
//
// Events wait until somebody has planned them: who is to be told is said once,
// in the transaction that marks the event as planned. What a channel has to say
// is gathered in notifications. Both are leased like tasks, each by a fence of
// its own.
type Notifications interface {
	// ClaimEvents leases up to limit events that are not planned yet, oldest
	// first.
	ClaimEvents(ctx context.Context, leaseFor time.Duration, limit int) ([]LeasedEvent, error)
	// PlanEvents ends leases of events and adds their notices to notifications,
	// all or nothing. Plans whose lease is no longer held change nothing and are
	// reported by event.
	//
	// A notice joins the notification of its channel and group that is pending,
	// if there is one; otherwise it makes one. While a channel has MaxWaiting
	// that are not finished, it joins the newest pending one, whatever the group.
	//
	// Nobody is told twice of an incident: a notice is left out if its event says
	// no more than what the channel was, or is to be, told of the incident last;
	// and if it is a reminder while something about the incident waits.
	PlanEvents(ctx context.Context, plans []EventPlan) (stale []int64, err error)

	// ClaimNotifications leases due notifications, at most one of each channel,
	// and none of a channel of which one is leased already: a channel gets one
	// message after the other, of those that are due the oldest first.
	ClaimNotifications(ctx context.Context, c NotificationClaim) (ClaimedNotifications, error)
	// RecordNotifications ends leases of notifications. One that is pending
	// again takes in another one of its channel and group that was made
	// meanwhile. Stale ones change nothing and are reported by id.
	RecordNotifications(ctx context.Context, outcomes []NotificationOutcome) (stale []int64, err error)

	// ListNotifications gives up to Limit notifications, newest first.
	ListNotifications(ctx context.Context, q NotificationQuery) ([]dispatchapy.Notification, error)
	// Notification gives a notification with its events, or ErrNotFound.
	Notification(ctx context.Context, id int64) (NotificationDetail, error)
	// RetryNotification makes a notification due at once, with a fresh budget of
	// attempts: one that waits, or that has failed or was dropped. ErrNotFound,
	// or CodeConflict for one that is being sent or was.
	RetryNotification(ctx context.Context, id int64) (dispatchapy.Notification, error)
	// Told gives who was told of events, or is to be, in order of event and
	// notification.
	Told(ctx context.Context, eventIDs []int64) ([]Told, error)
	// NotificationBacklog counts what is not finished.
	NotificationBacklog(ctx context.Context) (NotificationBacklog, error)
	// DeleteOldNotifications deletes up to limit finished notifications that
	// were made longer than age ago, or that are too many.
	DeleteOldNotifications(ctx context.Context, age time.Duration, limit int) (int, error)
}

const (
	// MaxWaiting is how many unfinished notifications a channel has at most, not
	// counting those that somebody has retried.
	MaxWaiting = 500
	// MaxListed is how many events of a notification can be looked at: the first
	// ones and the latest. Others are only counted.
	MaxListed = 100
)

// LeasedEvent is an event with the fence under which it was handed out.
type LeasedEvent struct {
	Event dispatchapy.Event
	Fence int64
}

// EventPlan ends the lease of an event.
type EventPlan struct {
	EventID int64
	Fence   int64
	Notices []Notice // none: nobody is told
}

// Notice says that a channel is to tell of an event.
type Notice struct {
	Channel dispatchapy.ChannelRef
	Group   string        // what can be in one notification
	Wait    time.Duration // for others, before it is due

	// Pause is put between the latest message of the channel and one that is made
	// by this notice alone, if that is longer.
	Pause time.Duration
}

// NotificationClaim asks for due notifications, up to so many by each means.
type NotificationClaim struct {
	LeaseFor time.Duration
	Limits   map[dispatchapy.Via]int
}

// ClaimedNotifications is the answer to a NotificationClaim.
type ClaimedNotifications struct {
	Notifications []LeasedNotification
	// Next is in how long another one becomes due, or the lease of one ends; 0:
	// none will.
	Next time.Duration
}

// LeasedNotification is a notification with the lease under which it was handed
// out.
type LeasedNotification struct {
	NotificationDetail
	Fence int64
	// Wanted is the time since its first attempt, or since the latest of its
	// events was planned, if that was later; 0 before the first attempt.
	Wanted time.Duration
	Rest   []string // the recipients that are left; nil: all
}

// NotificationDetail is a notification with its events, oldest first, at most
// MaxListed of them. Events that are too old are gone.
type NotificationDetail struct {
	Notification dispatchapy.Notification
	Events       []EventDetail
}

// EventDetail is an event with what it is about.
type EventDetail struct {
	dispatchapy.Event
	Resource string // name, of a deleted one the last; "" if it is not about one
	Endpoint string // path, of a deleted one the last; "" if it is not about one

	// Of its incident; zero if it has none.
	OpenedAt time.Time
	ClosedAt time.Time
}

// NotificationOutcome ends the lease of a notification.
type NotificationOutcome struct {
	ID     int64
	Fence  int64
	Status dispatchapy.NotificationStatus // sent, failed, dropped, or pending to try again

	RetryIn   time.Duration // for pending: wait before it is due
	Attempted bool          // something was sent, or could not be
	Title     string        // what was sent, in a line; "" leaves it as it was
	Error     string        // why it was not sent, or not to everybody
	Entry     string        // for the timelines of its incidents; "": none

	// Rest are, for pending, the recipients that are left: the others have it.
	// What it says is then fixed, and nothing joins it any more.
	Rest []string
}

// NotificationQuery selects notifications. Zero fields select all; all given
// ones must hold.
type NotificationQuery struct {
	Statuses   []dispatchapy.NotificationStatus
	Channel    string // of the settings
	ResourceID int64  // its own notice
	IncidentID int64
	Before     int64 // only ids below; 0: from the newest
	Limit      int
}

// Told is what has become of the notice of an event.
type Told struct {
	EventID        int64
	NotificationID int64
	Channel        dispatchapy.ChannelRef
	Status         dispatchapy.NotificationStatus
	At             time.Time // when it was finished; zero before
	Attempts       int
	Error          string
}

// NotificationBacklog is what is not finished.
type NotificationBacklog struct {
	Waiting int
	Oldest  time.Time // when the oldest of them was made
	Events  int       // that are not planned yet
}
