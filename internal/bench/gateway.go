package bench

import (
	"crypto/rand"
	"fmt"
)

// newToken makes a secret that is good for this run only.
func newToken() string { return "dpy_" + rand.Text() + rand.Text()[:17] }

// gatewayFile configures the gateway under test as people do: mapping, health
// checks, failover, everything on.
func gatewayFile(sink, token string) []byte {
	resource := func(name, path string) string {
		return fmt.Sprintf(`  - name: %s
    url: http://%s%s
    headers: {X-Key: bench}
    required_params: [to, text, seq, kind, id]
    timeout: 15s
    health_check: {enabled: true, method: simple}
`, name, sink, path)
	}
	const mapping = "{to: {from: phone}, text: {from: message}, seq: {from: seq}, kind: {from: kind}, id: {uuid: true}}"
	endpoint := func(path string, resources ...string) string {
		text := fmt.Sprintf("  - path: %s\n    required_params: [ref, scope, phone, message]\n    resources:\n", path)
		for _, name := range resources {
			text += "      - " + name + "\n"
		}
		text += "    mapping:\n"
		for _, name := range resources {
			text += "      " + name + ": " + mapping + "\n"
		}
		return text
	}
	return []byte("version: 1\nresources:\n" +
		resource("ok", pathOK) +
		resource("failing", pathFailing) +
		resource("other", pathOther) +
		resource("off", pathOK) + "    active: false\n" +
		"endpoints:\n" +
		endpoint(endpointDeliver, "ok") +
		endpoint(endpointAccept, "off") +
		endpoint(endpointFailover, "failing", "ok") +
		endpoint(endpointOther, "other") +
		fmt.Sprintf("clients:\n  - name: bench\n    token: %s\n    endpoints: [%s, %s, %s, %s]\n",
			token, endpointDeliver, endpointAccept, endpointFailover, endpointOther))
}
