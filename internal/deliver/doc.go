// Package deliver makes one outbound attempt: a request to a resource, the
// verdict on its answer, and the guard that keeps requests away from addresses
// that must not be reached. Whether and when to try again is decided elsewhere.
package deliver
