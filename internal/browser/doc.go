// Package browser tests the web interface in a real browser: every page for
// faults that a person would meet (gates), and what people do (flows). It holds
// tests only.
package browser
