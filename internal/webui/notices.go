package webui

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
)

// Emails and webhooks stand in forms below a prefix, like "notify.webhook.": a
// resource has its own, and every channel is one of them.

func (f *Form) fillEmail(prefix string, n *dispatchapy.EmailNotice) {
	f.SetOn(prefix+"enabled", n.IsEnabled())
	f.Set(prefix+"to", strings.Join(n.To, "\n"))
	f.Set(prefix+"subject", n.Subject)
	f.Set(prefix+"body", n.Body)
}

func (f *Form) readEmail(prefix string) *dispatchapy.EmailNotice {
	on := f.On(prefix + "enabled")
	return &dispatchapy.EmailNotice{
		Enabled: &on, To: f.Lines(prefix + "to"),
		Subject: strings.TrimSpace(f.Value(prefix + "subject")), Body: unixLines(f.Value(prefix + "body")),
	}
}

func (f *Form) fillWebhook(prefix string, n *dispatchapy.WebhookNotice) {
	f.SetOn(prefix+"enabled", n.IsEnabled())
	f.Set(prefix+"url", n.URL)
	f.Set(prefix+"method", cmp.Or(n.Method, http.MethodPost))
	f.Set(prefix+"timeout", cmp.Or(n.Timeout, dispatchapy.Duration(dispatchapy.DefaultWebhookTimeout)).String())
	if n.Retries != nil {
		f.Set(prefix+"retries", strconv.Itoa(*n.Retries))
	}
	f.SetOn(prefix+"signed", n.SigningSecret != "")
	f.fillHeaders(prefix+"headers", n.Headers)
	f.fillHeaders(prefix+"secrets", n.Secrets)
	f.Set(prefix+"payload", indentJSON(n.Payload))
}

// readWebhook reads a webhook into what is stored of it, which may be empty.
func (f *Form) readWebhook(prefix string, n *dispatchapy.WebhookNotice) {
	on := f.On(prefix + "enabled")
	n.Enabled, n.URL, n.Headers = &on, strings.TrimSpace(f.Value(prefix+"url")), f.readHeaders(prefix+"headers")
	n.Method, n.Timeout, n.Secrets = f.Value(prefix+"method"), f.Duration(prefix+"timeout"), f.readHeaders(prefix+"secrets")
	n.Retries = nil
	if f.given(prefix + "retries") {
		retries := f.Whole(prefix + "retries")
		n.Retries = &retries
	}
	f.readSigning(prefix, n)
	n.Payload = nil
	if text := strings.TrimSpace(f.Value(prefix + "payload")); text != "" && !f.refuseSyntax(prefix+"payload") {
		n.Payload = json.RawMessage(text)
	}
}

// readSigning keeps the stored secret where none is written and the box is
// still ticked.
func (f *Form) readSigning(prefix string, n *dispatchapy.WebhookNotice) {
	written := strings.TrimSpace(f.Value(prefix + "signing_secret"))
	switch {
	case !f.On(prefix + "signed"):
		n.SigningSecret = ""
	case written != "":
		n.SigningSecret = dispatchapy.Secret(written)
	case n.SigningSecret == "":
		f.Refuse(prefix+"signing_secret", "Write the secret that the receiver knows.")
	}
}

// labelNotices says what the fields below a prefix of emails and one of
// webhooks are called.
func (f *Form) labelNotices(email, webhook string) {
	if f.Labels == nil {
		f.Labels = map[string]string{}
	}
	for name, label := range map[string]string{"to": f.lang.T("To"), "subject": f.lang.T("Subject"), "body": f.lang.T("Text")} {
		f.Labels[email+name] = label
	}
	for name, label := range map[string]string{
		"url": "URL", "payload": f.lang.T("Payload"), "timeout": f.lang.T("Timeout"), "retries": f.lang.T("Retries"), "signing_secret": f.lang.T("Signing secret"),
	} {
		f.Labels[webhook+name] = label
	}
	for list, label := range map[string]string{webhook + "headers": f.lang.T("Header"), webhook + "secrets": f.lang.T("Secret")} {
		for i := range f.Rows(list) {
			for _, field := range []string{"name", "value"} {
				f.Labels[At(list, i, field)] = fmt.Sprintf("%s %d", label, i+1)
			}
		}
	}
}

// noticeMethods are the HTTP methods of webhooks, for templates.
func noticeMethods() []Option { return checks(slices.Clone(dispatchapy.NoticeMethods)) }
