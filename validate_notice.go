package dispatchapy

import (
	"encoding/base64"
	"regexp"
	"strings"
	"time"
)

func (c *Channel) validate(at place) {
	at.field("name").name(c.Name)
	at.check((c.Email == nil) != (c.Webhook == nil), "must have exactly one of email and webhook")
	notify := Notify{Email: c.Email, Webhook: c.Webhook}
	notify.validate(at)
	oneOf(at.field("group_by"), c.GroupBy, GroupByChannel, GroupByIncident)
	between(at.field("group_for"), c.GroupFor, Duration(time.Second), Duration(MaxGroupFor))
	at.field("quiet").check(len(c.Quiet) <= MaxQuiet, "must have at most %d entries", MaxQuiet)
	for i := range c.Quiet {
		c.Quiet[i].validate(at.item("quiet", i))
	}
}

func (q *QuietHours) validate(at place) {
	at.field("from").timeOfDay(q.From)
	at.field("until").timeOfDay(q.Until)
	for i, day := range q.Days {
		oneOf(at.item("days", i), day, Weekdays...)
	}
	if _, err := time.LoadLocation(q.Timezone); err != nil || q.Timezone == "Local" {
		at.field("timezone").fault("%q is not a time zone: write it like Asia/Jakarta or UTC", q.Timezone)
	}
}

func (p place) timeOfDay(s string) {
	parsed, err := time.Parse(dayTime, s)
	p.check(err == nil && parsed.Format(dayTime) == s, "must be a time of day between 00:00 and 23:59, in quotes, like \"22:00\"")
}

func (n *Notify) validate(at place) {
	if n.Email != nil {
		n.Email.validate(at.field("email"))
	}
	if n.Webhook != nil {
		n.Webhook.validate(at.field("webhook"))
	}
}

func (n *EmailNotice) validate(at place) {
	to := at.field("to")
	to.check(!n.IsEnabled() || len(n.To) > 0, "needs at least one recipient when email is enabled")
	to.check(len(n.To) <= MaxRecipients, "must have at most %d entries", MaxRecipients)
	for i, address := range n.To {
		at.item("to", i).address(address)
	}
	at.field("subject").check(!strings.ContainsAny(n.Subject, "\r\n"), "must be a single line")
	at.field("subject").check(len(n.Subject) <= 1000, "must have at most 1000 bytes")
	at.field("body").check(len(n.Body) <= MaxNoticeText, "must have at most %d bytes", MaxNoticeText)
}

func (n *WebhookNotice) validate(at place) {
	if n.IsEnabled() || n.URL != "" {
		n.validateURL(at.field("url"))
	}
	oneOf(at.field("method"), n.Method, NoticeMethods...)
	at.field("headers").headers(n.Headers)
	payload := at.field("payload")
	if len(n.Payload) > 0 {
		payload.json(n.Payload)
		payload.check(len(n.Payload) <= MaxNoticeText, "must have at most %d bytes", MaxNoticeText)
		n.checkSecrets(payload, string(n.Payload))
	}
	between(at.field("timeout"), n.Timeout, Duration(time.Second), Duration(MaxWebhookTimeout))
	if n.Retries != nil {
		between(at.field("retries"), *n.Retries, 0, MaxWebhookRetries)
	}
	for _, name := range sortedKeys(n.Secrets) {
		secret := at.field("secrets").field(name)
		secret.check(secretName.MatchString(name), "%q cannot be the name of a secret: use letters, digits, - and _", name)
		secret.check(!n.Secrets[name].Masked(), notMasked)
		secret.check(len(n.Secrets[name]) <= maxNoticeSecret && isHeaderValue(n.Secrets[name].Reveal()),
			"must have at most %d bytes and no control characters", maxNoticeSecret)
	}
	n.validateSigningSecret(at.field("signing_secret"))
}

var (
	secretName      = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	secretReference = regexp.MustCompile(`\{secret:([^{}]*)\}`)
)

// validateURL checks a URL in which secrets may be referred to, but not where
// it says to which server it leads.
func (n *WebhookNotice) validateURL(at place) {
	_, rest, _ := strings.Cut(n.URL, "://")
	server := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		server = rest[:end]
	}
	if strings.Contains(server, "{") {
		at.fault("must name the server without a placeholder: {secret:NAME} may stand after it")
		return
	}
	plain := secretReference.ReplaceAllString(n.URL, "secret")
	at.url(plain)
	n.checkSecrets(at, n.URL)
}

// checkSecrets notes a fault for every {secret:NAME} that is not given.
func (n *WebhookNotice) checkSecrets(at place, text string) {
	for _, found := range secretReference.FindAllStringSubmatch(text, -1) {
		if _, given := n.Secrets[found[1]]; !given {
			at.fault("there is no secret %q: give its value in secrets", found[1])
		}
	}
}

const signingPrefix = "whsec_"

func (n *WebhookNotice) validateSigningSecret(at place) {
	switch {
	case n.SigningSecret == "":
	case n.SigningSecret.Masked():
		at.fault(notMasked)
	default:
		if _, err := n.SigningKey(); err != nil {
			at.fault("must be %s and the base64 of 24 to 64 bytes", signingPrefix)
		}
	}
}

// SigningKey gives the key that requests are signed with; nil: they are not.
func (n *WebhookNotice) SigningKey() ([]byte, error) {
	secret := n.SigningSecret.Reveal()
	if secret == "" {
		return nil, nil
	}
	encoded, found := strings.CutPrefix(secret, signingPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, Errorf(CodeInvalid, "the signing secret is not valid")
	}
	return key, nil
}
