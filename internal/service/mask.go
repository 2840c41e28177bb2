package service

import (
	"fmt"

	"dispatchapy"
)

// Secrets can be written and not read: what is shown has dispatchapy.Redacted
// in their place, and what comes back like that leaves them as they are.

func maskResource(r *dispatchapy.Resource) {
	maskAll(r.Headers)
	if r.Notify != nil {
		maskWebhook(r.Notify.Webhook)
	}
}

func maskWebhook(n *dispatchapy.WebhookNotice) {
	if n != nil {
		maskAll(n.Headers)
		maskAll(n.Secrets)
		n.SigningSecret = dispatchapy.Secret(n.SigningSecret.String())
	}
}

func maskAll(values map[string]dispatchapy.Secret) {
	for name, value := range values {
		values[name] = dispatchapy.Secret(value.String())
	}
}

func restoreResource(edited, stored *dispatchapy.Resource) []dispatchapy.FieldError {
	edited.KeepMasked(stored)
	faults := stillMasked("headers", edited.Headers)
	if edited.Notify != nil {
		faults = append(faults, webhookStillMasked("notify.webhook", edited.Notify.Webhook)...)
	}
	return faults
}

// webhookStillMasked names what of a webhook is masked and has nothing stored
// that it could stand for.
func webhookStillMasked(path string, n *dispatchapy.WebhookNotice) []dispatchapy.FieldError {
	if n == nil {
		return nil
	}
	faults := append(stillMasked(path+".headers", n.Headers), stillMasked(path+".secrets", n.Secrets)...)
	if n.SigningSecret.Masked() {
		faults = append(faults, nothingToKeep(path+".signing_secret"))
	}
	return faults
}

// stillMasked names the values for which nothing was stored.
func stillMasked(path string, values map[string]dispatchapy.Secret) []dispatchapy.FieldError {
	var faults []dispatchapy.FieldError
	for name, value := range values {
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
	s.StatusPage.Token = dispatchapy.Secret(s.StatusPage.Token.String())
	for _, c := range s.Alerts.Channels {
		maskWebhook(c.Webhook)
	}
}

func restoreSettings(edited, stored *dispatchapy.Settings) []dispatchapy.FieldError {
	edited.KeepMasked(stored)
	var faults []dispatchapy.FieldError
	if edited.SMTP != nil && edited.SMTP.Password.Masked() {
		faults = append(faults, nothingToKeep("smtp.password"))
	}
	if edited.StatusPage.Token.Masked() {
		faults = append(faults, nothingToKeep("status_page.token"))
	}
	for i, c := range edited.Alerts.Channels {
		faults = append(faults, webhookStillMasked(fmt.Sprintf("alerts.channels[%d].webhook", i), c.Webhook)...)
	}
	return faults
}
