package dispatchapy

// What is shown of a configuration has Redacted in the place of secrets. Where
// that comes back, the stored value is meant. What is still Redacted after
// KeepMasked had nothing stored; Validate refuses it.

// KeepMasked puts the stored values in the place of masked ones.
func (r *Resource) KeepMasked(stored *Resource) {
	keepMasked(r.Headers, stored.Headers)
	keepMasked(r.webhookHeaders(), stored.webhookHeaders())
}

// KeepMasked puts the stored value in the place of a masked one, unless it
// would then be sent to another server than the one it is for.
func (s *Settings) KeepMasked(stored *Settings) {
	if s.SMTP != nil && s.SMTP.Password.masked() && stored.SMTP != nil && s.SMTP.sameAccount(stored.SMTP) {
		s.SMTP.Password = stored.SMTP.Password
	}
}

func (s *SMTP) sameAccount(other *SMTP) bool {
	return s.Host == other.Host && s.Username == other.Username
}

func (r *Resource) webhookHeaders() map[string]Secret {
	if r.Notify == nil || r.Notify.Webhook == nil {
		return nil
	}
	return r.Notify.Webhook.Headers
}

func keepMasked(headers, stored map[string]Secret) {
	for name, value := range headers {
		if kept, ok := stored[name]; ok && value.masked() {
			headers[name] = kept
		}
	}
}

// masked reports whether the value only stands for the stored one.
func (s Secret) masked() bool { return s == Redacted }

// notMasked is what Validate says of a value that is.
const notMasked = "is masked, and nothing is stored that it could stand for: give the value itself"
