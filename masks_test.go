package dispatchapy_test

import (
	"testing"

	"dispatchapy"
)

// A masked password is kept for the account that it belongs to and no other:
// it could be sent to a server of somebody's choice.
func TestAMaskedPasswordStaysWithItsAccount(t *testing.T) {
	stored := &dispatchapy.Settings{SMTP: &dispatchapy.SMTP{Host: "mail.example", Port: 587, Username: "u", Password: "hush"}}
	for name, tc := range map[string]struct {
		edited dispatchapy.SMTP
		kept   bool
	}{
		"the same":       {dispatchapy.SMTP{Host: "mail.example", Port: 587, Username: "u"}, true},
		"another port":   {dispatchapy.SMTP{Host: "mail.example", Port: 25, Username: "u"}, true},
		"another sender": {dispatchapy.SMTP{Host: "mail.example", Port: 587, Username: "u", From: "x@y.example"}, true},
		"another host":   {dispatchapy.SMTP{Host: "evil.example", Port: 587, Username: "u"}, false},
		"another user":   {dispatchapy.SMTP{Host: "mail.example", Port: 587, Username: "v"}, false},
	} {
		edited := &dispatchapy.Settings{SMTP: &tc.edited}
		edited.SMTP.Password = dispatchapy.Redacted
		edited.KeepMasked(stored)
		if kept := edited.SMTP.Password.Reveal() == "hush"; kept != tc.kept {
			t.Errorf("%s: kept is %v", name, kept)
		}
	}
}

// TestAMaskedHeaderMayMove gives headers other names without their values.
func TestAMaskedHeaderMayMove(t *testing.T) {
	stored := &dispatchapy.Resource{Headers: map[string]dispatchapy.Secret{"X-Key": "hush", "X-Other": "quiet"}}
	edited := &dispatchapy.Resource{Headers: map[string]dispatchapy.Secret{
		"X-Key": dispatchapy.RedactedOf("X-Other"), "X-New": dispatchapy.RedactedOf("X-Key"), "X-Gone": dispatchapy.RedactedOf("X-Gone"), "X-Plain": "[red",
	}}
	edited.KeepMasked(stored)
	for name, want := range map[string]string{"X-Key": "quiet", "X-New": "hush", "X-Gone": "[redacted:X-Gone]", "X-Plain": "[red"} {
		if got := edited.Headers[name].Reveal(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !edited.Headers["X-Gone"].Masked() || edited.Headers["X-Plain"].Masked() {
		t.Error("what stands for nothing is not told from values")
	}
}
