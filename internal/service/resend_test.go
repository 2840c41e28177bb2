package service_test

import (
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// TestADoubleClickSendsOnce has a message sent again while that is being done:
// the second one cannot see yet that the first one has.
func TestADoubleClickSendsOnce(t *testing.T) {
	n := startNode(t)
	id := n.insert(task{client: "shop", endpoint: "sms", ref: "r"}, task{client: "shop", endpoint: "sms", ref: "next"})[0]
	if _, err := n.ActOnTask(t.Context(), admin, dispatchapy.ActionStop, id); err != nil {
		t.Fatal(err)
	}
	n.onSubmit = func() {
		n.onSubmit = nil
		_, err := n.ResendTask(t.Context(), admin, id, service.ResendInput{})
		wantCode(t, err, dispatchapy.CodeConflict)
	}
	if _, err := n.ResendTask(t.Context(), n.client("shop-token-1234"), id, service.ResendInput{}); err != nil {
		t.Fatal(err)
	}
	if len(n.sent) != 1 {
		t.Errorf("the message was sent %d times", len(n.sent))
	}
	if _, err := n.ResendTask(t.Context(), admin, id, service.ResendInput{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
