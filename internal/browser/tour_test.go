package browser_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"dispatchapy"
	"dispatchapy/internal/store/storetest"
)

// tourFile is the gateway of docs/tour.md.
const tourFile = `
version: 1
resources:
  - name: sms-primary
    url: https://sms.example.com/v2/messages
    headers: {Authorization: Bearer hush-provider-key}
    required_params: [to, text]
  - name: sms-backup
    url: https://backup.example.net/send
    required_params: [msisdn, body.text]
  - {name: on-call chat, url: "https://chat.example.org/hooks/on-call", required_params: [message]}
endpoints:
  - path: send_alert
    description: Tell whoever is on call that something needs them
    required_params: [phone, message]
    resources: [sms-primary, sms-backup, on-call chat]
    mapping:
      sms-primary: {to: {from: phone}, text: {template: "{{message}} ({{ref}})"}}
      sms-backup: {msisdn: {from: phone}, body.text: {from: message}}
      on-call chat: {message: {template: "{{scope}}: {{message}}"}}
  - path: send_invoice
    description: The invoice of an order, as a link
    required_params: [phone, url]
    resources: [sms-primary, sms-backup]
    mapping:
      sms-primary: {to: {from: phone}, text: {template: "Your invoice: {{url}}"}}
      sms-backup: {msisdn: {from: phone}, body.text: {template: "Your invoice: {{url}}"}}
clients:
  - {name: monitoring, token: dpy_browser-shop-token-0123456789, endpoints: [send_alert]}
  - {name: shop, token: dpy_browser-bank-token-0123456789, endpoints: [send_invoice]}
`

// TestTour takes the pictures of docs/tour.md, where pictures are wanted. They
// are made smaller for the documentation by
//
//	mogrify -path docs/images -strip +dither -colors 128 -define png:compression-level=9 screenshots/tour-*.png
func TestTour(t *testing.T) {
	if shots == "" {
		t.Skip("no pictures are wanted")
	}
	t.Parallel()
	g := start(t, tourFile)
	g.fill(storetest.Crowd{Tasks: 900, Until: time.Now(), Every: 95 * time.Second, Status: func(place int) dispatchapy.Status {
		if place%180 == 100 {
			return dispatchapy.StatusFailed
		}
		return dispatchapy.StatusSuccess
	}})
	b := open(t, g.url)
	b.signIn("/")
	b.size(1280, 800)
	b.size(1400, 800)
	b.tourStop("mapping", g.endpoint("send_alert").own("rules"))
	b.size(1280, 800)
	b.tourStop("endpoint", g.endpoint("send_alert").own(""))

	// The providers are where they can be reached from here on.
	for name, path := range map[string]string{"sms-primary": "/primary", "sms-backup": "/backup", "on-call chat": "/chat"} {
		g.apply(fmt.Sprintf("version: 1\nresources:\n  - {name: %s, url: $sink%s, health_check: {enabled: true, method: simple, interval: {min: 1h, max: 2h}}}\n", name, path))
	}
	for range 20 {
		for _, r := range []string{"sms-primary", "sms-backup", "on-call chat"} {
			g.manage(http.MethodPost, "/v1"+resourceID(b, r)+"/check", "")
		}
	}
	for i := range 312 {
		g.alert(fmt.Sprintf("disk-web-%d", i%7))
		if i%3 == 0 {
			g.post(bankToken, "send_invoice", fmt.Sprintf(`{"ref":"order-%d","scope":"prod","phone":"+15550100","url":"https://shop.example.com/i/%d"}`, 5000+i, 5000+i))
		}
	}
	g.sink.answer("/primary", http.StatusServiceUnavailable, `{"error":"overloaded"}`)
	task := g.alert("disk-web-3")
	g.settled(task)
	b.tourStop("task", task)
	b.tourStop("overview", "/")
	b.tourStop("resources", "/resources")
	b.theme("dark")
	b.size(390, 844)
	b.tourStop("phone", "/")
}

// tourStop takes a picture of what is seen of a page.
func (b *tab) tourStop(name, path string) {
	b.t.Helper()
	b.arrive(path)
	b.await("the stream", isLive+` || !document.querySelector("#live-dot")`)
	b.frame()
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	b.keep("tour-"+name, picture)
}
