// Package health watches the resources: it checks each of them from time to
// time and upon request, judges the results and closes the gate for traffic to
// a resource that is down.
//
// When a resource is due, and who checks it, is kept in the store: a check is
// leased like a task. So several nodes share the work, and the check of a node
// that died becomes due again when its lease ends.
package health
