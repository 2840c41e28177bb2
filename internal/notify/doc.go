// Package notify tells people what has happened, by email and webhook.
//
// Events are stored with what caused them. The planner leases those that nobody
// has planned yet, finds out which channels are to tell of them, and stores that
// in the transaction that marks them as planned. What a channel has to say is
// gathered in notifications, which the sender leases, words with the
// configuration of that moment, sends, and records. Both leases are fenced, as
// those of tasks are.
//
//	plan.go     pure: which channels are to tell of an event
//	decide.go   pure: what follows from an attempt
//	telling.go  pure: what there is to say
//	email.go, webhook.go   pure: how it is said
//	send.go     one attempt
//	runner.go   the loops
//
// # Once, and at least once
//
// A message whose sending was recorded is never sent again. If the process ends
// between sending and recording, the message is sent once more, with the same
// Message-ID or webhook-id, by which whoever gets it can drop the repeat. That id
// is made of the notification and the number of its events: it changes with what
// is said. A lease outlives every attempt, so that only a process that stood
// still sends beside another one.
//
// # Goroutines
//
//	plan loop  one; ends with Stop; when the store is slow, people hear later
//	send loop  one; ends with Stop
//	sending    one per message, bounded by means; each is cut off after a minute
//
// A channel gets one message after the other. One that is slow holds up nobody
// else, until as many are slow as there are places.
package notify
