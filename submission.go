package dispatchapy

import (
	"fmt"
	"time"
)

// Submission is a message that passed every check of the intake and asks to
// become a task.
type Submission struct {
	EndpointID  int64
	ClientID    int64
	Ref         string
	Scope       string
	Source      []byte // the body as received
	MaxAttempts int
	Delay       time.Duration // wait before the first attempt
	Hold        string        // why it is held ("client shop holds its tasks"); "" if it is not

	// IdempotencyKey is the caller's key, "" if none was given. A second
	// submission with the same client, endpoint and key within IdempotencyTTL
	// is answered like the first if it has the same body, and refused otherwise.
	IdempotencyKey string

	ResendOf int64   // the task that this one was made from by a person; 0: none
	Refused  []int64 // resources that it is not offered to, unless it is retried by hand
	Note     string  // first line of its log; "" if there is nothing to say
	By       string  // the person that Note names; "" if there is none
}

// IdempotencyTTL is how long an idempotency key is remembered.
const IdempotencyTTL = 24 * time.Hour

// Receipt is the answer to a Submission that is safely stored.
type Receipt struct {
	TaskID   int64
	Held     bool
	Replayed bool // answered from an earlier submission with the same idempotency key
}

// maxIdempotencyKey is how long an idempotency key may be, in bytes.
const maxIdempotencyKey = 255

// IdempotencyKeyFault says what is wrong with a key that a sender gave, "" if
// nothing is.
func IdempotencyKeyFault(key string) string {
	if key == "" {
		return "is empty"
	}
	if len(key) > maxIdempotencyKey {
		return fmt.Sprintf("is longer than %d bytes", maxIdempotencyKey)
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return "has characters other than printable ASCII"
		}
	}
	return ""
}
