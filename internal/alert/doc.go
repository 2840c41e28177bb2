// Package alert watches for what is wrong only after a while: an endpoint that
// lives on its backup, a backlog that grows old, many failures. What is over
// with one check or one task is told where it happens.
//
//	Watch      remembers what this node sees: rounds, certificates
//	observe    pure: what that says of a condition right now
//	Evaluate   pure: when a condition begins and ends
//	Runner     records it, with its incident and event, by compare-and-set
//
// # Goroutines
//
//	Run    one; ends with its context; when the store is slow, alerts are late
package alert
