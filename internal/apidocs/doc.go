// Package apidocs makes what the senders of messages read: an OpenAPI document
// of the endpoints they may call, samples of code for each, and the table of
// errors. It is a pure function of a snapshot of the configuration.
//
// What it shows is what a client knows or may know: paths, descriptions and the
// keys of its own payload. Resources (their names, addresses, headers and
// keys), tokens and other clients' endpoints never appear.
package apidocs
