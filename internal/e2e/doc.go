// Package e2e holds the end-to-end tests: the whole gateway between real HTTP
// clients and real HTTP servers, in this process or, where it is to be killed,
// as the program itself.
//
// The tests see nothing but what the outside may rely on: requests, answers,
// gateway files, metrics, logs and files. What a provider does is scripted (see
// provider_test.go). Nothing waits for a fixed time: either something
// observable is awaited under a deadline, or a later message shows that an
// earlier one would have arrived by now.
package e2e
