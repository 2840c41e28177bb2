package service

import (
	"fmt"

	"dispatchapy"
)

// Secrets can be written and not read: what is shown has dispatchapy.Redacted
// in their place, and what comes back like that leaves them as they are.

func maskResource(r *dispatchapy.Resource) {
	maskHeaders(r.Headers)
	if r.Notify != nil && r.Notify.Webhook != nil {
		maskHeaders(r.Notify.Webhook.Headers)
	}
}

func maskHeaders(headers map[string]dispatchapy.Secret) {
	for name, value := range headers {
		headers[name] = dispatchapy.Secret(value.String())
	}
}

func restoreResource(edited, stored *dispatchapy.Resource) []dispatchapy.FieldError {
	edited.KeepMasked(stored)
	return append(stillMasked("headers", edited.Headers), stillMasked("notify.webhook.headers", webhookHeaders(edited))...)
}

func webhookHeaders(r *dispatchapy.Resource) map[string]dispatchapy.Secret {
	if r.Notify == nil || r.Notify.Webhook == nil {
		return nil
	}
	return r.Notify.Webhook.Headers
}

// stillMasked names the headers for which nothing was stored.
func stillMasked(path string, headers map[string]dispatchapy.Secret) []dispatchapy.FieldError {
	var faults []dispatchapy.FieldError
	for name, value := range headers {
		if value.Masked() {
			faults = append(faults, nothingToKeep(path+"."+name))
		}
	}
	return faults
}

func nothingToKeep(path string) dispatchapy.FieldError {
	return dispatchapy.FieldError{Path: path, Message: "there is no stored value to keep: give the value itself"}
}

func maskClient(c *dispatchapy.Client) { c.Token, c.TokenHash, c.OldTokens = "", "", nil }

// restoreClient keeps the token unless another one was given, which ends the
// one before at once. Only RotateToken lets two work at a time.
func restoreClient(edited, stored *dispatchapy.Client) []dispatchapy.FieldError {
	edited.OldTokens = nil
	if edited.TokenHash == "" || edited.TokenHash == stored.TokenHash {
		edited.TokenHash, edited.OldTokens = stored.TokenHash, stored.OldTokens
	}
	return nil
}

func maskSettings(s *dispatchapy.Settings) {
	if s.SMTP != nil {
		s.SMTP.Password = dispatchapy.Secret(s.SMTP.Password.String())
	}
	for _, c := range s.Alerts.Channels {
		if c.Webhook != nil {
			maskHeaders(c.Webhook.Headers)
		}
	}
}

func restoreSettings(edited, stored *dispatchapy.Settings) []dispatchapy.FieldError {
	edited.KeepMasked(stored)
	var faults []dispatchapy.FieldError
	if edited.SMTP != nil && edited.SMTP.Password.Masked() {
		faults = append(faults, nothingToKeep("smtp.password"))
	}
	for i, c := range edited.Alerts.Channels {
		if c.Webhook != nil {
			faults = append(faults, stillMasked(fmt.Sprintf("alerts.channels[%d].webhook.headers", i), c.Webhook.Headers)...)
		}
	}
	return faults
}
