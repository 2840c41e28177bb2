package notify

import (
	"net/http"
	"testing"
	"time"

	"dispatchapy"
)

// The test vector that the Standard Webhooks specification's libraries share.
func TestSignIsThatOfStandardWebhooks(t *testing.T) {
	n := dispatchapy.WebhookNotice{SigningSecret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
	key, err := n.SigningKey()
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	sign(h, key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	for name, want := range map[string]string{
		"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
		"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	} {
		if h.Get(name) != want {
			t.Errorf("%s is %s, want %s", name, h.Get(name), want)
		}
	}
	h = http.Header{}
	sign(h, nil, "msg", time.Unix(1, 0), nil)
	if h.Get("webhook-id") != "msg" || h.Get("webhook-signature") != "" {
		t.Errorf("without a key: %v", h)
	}
}
