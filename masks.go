package dispatchapy

import "strings"

// What is shown of a configuration has Redacted in the place of secrets. Where
// that comes back, the stored value is meant. What is still Redacted after
// KeepMasked had nothing stored; Validate refuses it.

// KeepMasked puts the stored values in the place of masked ones.
func (r *Resource) KeepMasked(stored *Resource) {
	keepMasked(r.Headers, stored.Headers)
	if r.Notify != nil && stored.Notify != nil {
		r.Notify.Webhook.keepMasked(stored.Notify.Webhook)
	}
}

// KeepMasked puts the stored value in the place of a masked one, unless it
// would then be sent to another server than the one it is for.
func (s *Settings) KeepMasked(stored *Settings) {
	if s.SMTP != nil && s.SMTP.Password.Masked() && stored.SMTP != nil && s.SMTP.sameAccount(stored.SMTP) {
		s.SMTP.Password = stored.SMTP.Password
	}
	if s.StatusPage.Token.Masked() && stored.StatusPage.Token != "" {
		s.StatusPage.Token = stored.StatusPage.Token
	}
	for i := range s.Alerts.Channels {
		c := &s.Alerts.Channels[i]
		was := find(stored.Alerts.Channels, func(o *Channel) bool { return o.Name == c.Name })
		if was != nil {
			c.Webhook.keepMasked(was.Webhook)
		}
	}
}

// keepMasked puts the stored values in the place of masked ones, unless they
// would then be sent somewhere else.
func (n *WebhookNotice) keepMasked(stored *WebhookNotice) {
	if n == nil || stored == nil {
		return
	}
	if n.URL == stored.URL {
		keepMasked(n.Headers, stored.Headers)
		keepMasked(n.Secrets, stored.Secrets)
	}
	if n.SigningSecret.Masked() && stored.SigningSecret != "" {
		n.SigningSecret = stored.SigningSecret // it is never sent
	}
}

func (s *SMTP) sameAccount(other *SMTP) bool {
	return s.Host == other.Host && s.Username == other.Username
}

func keepMasked(values, stored map[string]Secret) {
	for name, value := range values {
		if kept, ok := stored[value.maskOf(name)]; ok && value.Masked() {
			values[name] = kept
		}
	}
}

const otherMask = "[redacted:"

// RedactedOf stands for the stored value of another header than the one that it
// is given to: by it a header gets another name, and nobody has to see its
// value.
func RedactedOf(header string) Secret { return Secret(otherMask + header + "]") }

// Masked reports whether the value only stands for a stored one.
func (s Secret) Masked() bool {
	return s == Redacted || strings.HasPrefix(string(s), otherMask) && strings.HasSuffix(string(s), "]")
}

// maskOf gives the header for whose stored value a masked one stands, which is
// the value of the header name.
func (s Secret) maskOf(name string) string {
	if other, found := strings.CutPrefix(string(s), otherMask); found {
		return strings.TrimSuffix(other, "]")
	}
	return name
}

// notMasked is what Validate says of a value that is.
const notMasked = "is masked, and nothing is stored that it could stand for: give the value itself"
