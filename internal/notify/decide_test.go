package notify

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/mail"
	"dispatchapy/internal/store"
)

func TestDecide(t *testing.T) {
	const middle = 0.5 // no jitter
	mailer := dispatchapy.Channel{Email: mailTo("a@b.example")}
	hook := dispatchapy.Channel{Webhook: hookAt("http://a/")}
	never := dispatchapy.Channel{Webhook: &dispatchapy.WebhookNotice{Retries: new(0)}}
	twice := dispatchapy.Channel{Webhook: &dispatchapy.WebhookNotice{Retries: new(2)}}
	gone := mail.Refusal{To: "x@b.example", Detail: "550 no"}
	full := mail.Refusal{To: "y@b.example", Detail: "452 full", Temporary: true}
	for name, tc := range map[string]struct {
		attempts int
		wanted   time.Duration
		channel  dispatchapy.Channel
		result   result
		want     store.NotificationOutcome
	}{
		"sent": {0, 0, mailer, result{title: "t", to: "email to a"},
			store.NotificationOutcome{Status: dispatchapy.NotificationSent, Title: "t", Attempted: true, Entry: "told: email to a"}},
		"sent at last": {90, 25 * time.Hour, mailer, result{to: "email to a"},
			store.NotificationOutcome{Status: dispatchapy.NotificationSent, Attempted: true, Entry: "told: email to a"}},
		"not to everybody": {0, 0, mailer, result{to: "email to a", refused: []mail.Refusal{gone}},
			store.NotificationOutcome{Status: dispatchapy.NotificationSent, Attempted: true, Error: "x@b.example: 550 no", Entry: "told: email to a; not told: x@b.example: 550 no"}},
		"not to everybody yet": {0, 0, mailer, result{to: "email to a", refused: []mail.Refusal{gone, full}},
			store.NotificationOutcome{Status: dispatchapy.NotificationPending, Attempted: true, Error: "x@b.example: 550 no; y@b.example: 452 full", RetryIn: 10 * time.Second,
				Rest: []string{"y@b.example"}, Entry: "not told yet: email to a: x@b.example: 550 no; y@b.example: 452 full"}},
		"the first failure": {0, 0, mailer, result{title: "t", to: "email to a", err: "connection refused"},
			store.NotificationOutcome{Status: dispatchapy.NotificationPending, Title: "t", Attempted: true, Error: "connection refused", RetryIn: 10 * time.Second, Entry: "not told yet: email to a: connection refused"}},
		"the next one is not news": {3, time.Minute, mailer, result{to: "email to a", err: "connection refused"},
			store.NotificationOutcome{Status: dispatchapy.NotificationPending, Attempted: true, Error: "connection refused", RetryIn: 80 * time.Second}},
		"asked to wait": {0, 0, hook, result{to: "w", err: "429", retryAfter: 4 * time.Minute},
			store.NotificationOutcome{Status: dispatchapy.NotificationPending, Attempted: true, Error: "429", RetryIn: 4 * time.Minute, Entry: "not told yet: w: 429"}},
		"after a day": {99, 24*time.Hour - 10*time.Minute, mailer, result{to: "email to a", err: "connection refused"},
			store.NotificationOutcome{Status: dispatchapy.NotificationFailed, Attempted: true, Error: "connection refused", Entry: "given up: email to a: connection refused"}},
		"without retries": {0, 0, never, result{to: "w", err: "404"},
			store.NotificationOutcome{Status: dispatchapy.NotificationFailed, Attempted: true, Error: "404", Entry: "given up: w: 404"}},
		"two retries, one left": {1, 0, twice, result{to: "w", err: "404"},
			store.NotificationOutcome{Status: dispatchapy.NotificationPending, Attempted: true, Error: "404", RetryIn: 20 * time.Second}},
		"two retries, none left": {2, 0, twice, result{to: "w", err: "404"},
			store.NotificationOutcome{Status: dispatchapy.NotificationFailed, Attempted: true, Error: "404", Entry: "given up: w: 404"}},
		"broken off": {2, 0, twice, result{title: "t", to: "w", err: "canceled", undecided: true},
			store.NotificationOutcome{Status: dispatchapy.NotificationPending, Title: "t", Error: "what was before", RetryIn: time.Second}},
	} {
		l := &store.LeasedNotification{Fence: 3, Wanted: tc.wanted}
		l.Notification.ID, l.Notification.Attempts, l.Notification.LastError = 7, tc.attempts, "what was before"
		tc.want.ID, tc.want.Fence = 7, 3
		if diff := cmp.Diff(tc.want, decide(l, &tc.channel, &tc.result, middle)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBackoff(t *testing.T) {
	var all time.Duration
	for n := 1; n <= 12; n++ {
		low, high := backoff(n, 0), backoff(n, 1)
		if low <= 0 || high > lastRetry*6/5 || low >= high {
			t.Errorf("after attempt %d between %s and %s", n, low, high)
		}
		if n <= 6 {
			all += backoff(n, 0.5)
		}
	}
	if backoff(1, 0.5) != 10*time.Second || backoff(1000, 0.5) != 15*time.Minute || all > 11*time.Minute {
		t.Errorf("%s, %s, six waits are %s", backoff(1, 0.5), backoff(1000, 0.5), all)
	}
}
