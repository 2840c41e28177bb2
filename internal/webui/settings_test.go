package webui_test

import (
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

func init() {
	everybody := access{nobody: 303, shop: 200, bank: 200, viewer: 200, operator: 200, admin: 200}
	staff := access{nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200}
	unversioned := access{nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 409}
	clients := access{nobody: 303, shop: 200, bank: 200, viewer: 404, operator: 404, admin: 404}
	maps.Copy(matrix, map[string]access{
		"GET /settings":            everybody,
		"POST /settings":           {nobody: 303, shop: 409, bank: 409, viewer: 404, operator: 404, admin: 404},
		"GET /settings/token":      clients,
		"POST /settings/token":     {nobody: 303, shop: 403, bank: 403, viewer: 404, operator: 404, admin: 404},
		"GET /settings/delivery":   staff,
		"POST /settings/delivery":  unversioned,
		"GET /settings/retention":  staff,
		"POST /settings/retention": unversioned,
		"GET /settings/email":      staff,
		"POST /settings/email":     unversioned,
		"GET /settings/security":   everybody,
		"POST /settings/security":  unversioned,
		"POST /settings/password":  {nobody: 303, shop: 404, bank: 404, viewer: 422, operator: 422, admin: 422},
		"GET /settings/look":       everybody,
		"GET /settings/about":      staff,
	})
}

// setting reads a setting as it is stored.
func (g *gateway) settings() string {
	g.t.Helper()
	return g.manage(http.MethodGet, "/v1/settings", "", http.StatusOK)
}

// sent gives what a form's page would send, with some fields changed; "" leaves
// one out.
func sent(page *answer, changes ...string) url.Values {
	form := url.Values{}
	for _, match := range fieldPattern.FindAllStringSubmatch(page.content(), -1) {
		if tag := match[0]; !strings.Contains(tag, `type="checkbox"`) && !strings.Contains(tag, `type="radio"`) || strings.Contains(tag, " checked") {
			form.Add(match[1], unescape(valuePattern.FindStringSubmatch(tag)))
		}
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if form.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return form
}

func TestDeliverySettings(t *testing.T) {
	g := start(t)
	b := g.admin()
	page := b.get("/settings/delivery").want(200).shows(`value="3s"`)
	b.post("/settings/delivery", sent(page, "max_attempts", "0", "retry.base", "soon", "retry.factor", "x")).want(422).
		shows(`value="soon"`, `value="x"`, "must be a number and a unit", "must be a number, like 0.2")
	b.post("/settings/delivery", sent(page, "max_attempts", "0", "task_delay.min", "5s")).want(422).
		shows("must be between 1 and 1000", "min must not be greater than max", `value="5s"`)
	b.post("/settings/delivery", sent(page, "max_attempts", "7", "retry.max_age", "24h", "retry.jitter", "0.5", "task_delay.max", "2")).want(303)
	for _, want := range []string{`"max_attempts":7`, `"max_age":"24h"`, `"jitter":0.5`, `"max":"2s"`} {
		if got := g.settings(); !strings.Contains(got, want) {
			t.Errorf("%s is not among the settings: %s", want, got)
		}
	}
	got := b.post("/settings/delivery", sent(page, "max_attempts", "9")).want(409)
	got.shows("Somebody else saved this", "&#34;max_attempts&#34;: 7", "&#34;max_attempts&#34;: 9")
	mine := regexp.MustCompile(`name="version" value="(\d+)">Save mine`).FindStringSubmatch(got.body)
	b.post("/settings/delivery", sent(got, "version", mine[1])).want(303)
	if !strings.Contains(g.settings(), `"max_attempts":9`) {
		t.Error("mine was not saved")
	}
	g.user("viewer").get("/settings/delivery").want(200).shows("Only administrators").hides(">Save<")
}

func TestRetentionAndLimits(t *testing.T) {
	g := start(t)
	b := g.admin()
	page := b.get("/settings/retention").want(200)
	b.post("/settings/retention", sent(page, "cleanup.enabled", "on", "cleanup.after_days", "14", "cleanup.audit_days", "5")).want(422).
		shows("must be between 30 and", `value="14"`, "checked")
	b.post("/settings/retention", sent(page, "cleanup.enabled", "on", "cleanup.after_days", "14", "cleanup.audit_days", "90")).want(303)
	b.get("/settings").want(200).shows("kept for 14 days")

	page = b.get("/settings/security").want(200)
	b.post("/settings/security", url.Values{"version": {page.value("version")}, "sessions.idle": {"2h"}, "sessions.absolute": {"1h"}}).want(422).shows("must not be longer than absolute")
	b.post("/settings/security", url.Values{"version": {page.value("version")}, "sessions.idle": {"1h"}, "sessions.absolute": {"2h"}}).want(303)
	if got := g.settings(); !strings.Contains(got, `"idle":"1h"`) || !strings.Contains(got, `"after_days":14`) {
		t.Error(got)
	}
}

// mailServer is one that knows the user u with the password hush-mail.
func mailServer(t *testing.T) (port string, arrived chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived = make(chan string, 10)
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return mailSession{arrived}, nil }))
	server.AllowInsecureAuth, server.ErrorLog = true, log.New(io.Discard, "", 0)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), arrived
}

type mailSession struct{ arrived chan string }

func (mailSession) Reset()                               {}
func (mailSession) Logout() error                        { return nil }
func (mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (mailSession) AuthMechanisms() []string             { return []string{sasl.Plain} }

func (s mailSession) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	s.arrived <- string(content)
	return err
}

func (s mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "u" || password != "hush-mail" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

// TestEmailSettings tries a mail server before and after it is saved. Its
// password never comes back.
func TestEmailSettings(t *testing.T) {
	g := start(t)
	b := g.admin()
	port, arrived := mailServer(t)
	page := b.get("/settings/email").want(200)
	form := sent(page, "smtp", "on", "smtp.host", "127.0.0.1", "smtp.port", port, "smtp.encryption", "none", "smtp.username", "u", "smtp.from", "gate@example.com")
	try := func(do string, changes ...string) *answer {
		t.Helper()
		trial := maps.Clone(form)
		trial.Set("do", do)
		for i := 0; i+1 < len(changes); i += 2 {
			trial.Set(changes[i], changes[i+1])
		}
		return b.post("/settings/email", trial).hides("hush-mail", "hush-wrong")
	}
	try("test", "smtp.password", "hush-wrong").want(200).shows("banner fail", `value="127.0.0.1"`)
	try("test", "smtp.password", "hush-mail").want(200).shows("banner ok", "logged in as u")
	try("send", "smtp.password", "hush-mail").want(422).shows("say who gets the test mail")
	try("send", "smtp.password", "hush-mail", "to", "nobody").want(422).shows("is not an email address")
	try("test", "smtp.host", "").want(422).shows("smtp.host")
	try("send", "smtp.password", "hush-mail", "to", "ops@example.com").want(200).shows("sent a mail to ops@example.com")
	if mail := <-arrived; !strings.Contains(mail, "Dispatchapy: test mail") {
		t.Error(mail)
	}

	form.Set("smtp.password", "hush-mail")
	b.post("/settings/email", form).want(303)
	page = b.get("/settings/email").want(200).hides("hush-mail", "[redacted]").shows("stored; empty: it stays", `value="`+port+`"`)
	form = sent(page, "smtp.encryption", "none")
	try("test").want(200).shows("banner ok")
	b.post("/settings/email", form).want(303)
	try("test", "version", "0").want(200).shows("banner ok")
	form = sent(b.get("/settings/email"), "smtp.encryption", "none", "smtp.host", "mail.example.com")
	b.post("/settings/email", form).want(422).shows("smtp.password", "there is no stored value to keep")
	try("test").want(422).shows("stands for the stored one only with the stored host")

	form = sent(b.get("/settings/email"), "smtp", "")
	b.post("/settings/email", form).want(303)
	if got := g.settings(); strings.Contains(got, "127.0.0.1") {
		t.Error(got)
	}
}

// TestHostileSettings: what stands in a field is shown as text, whatever it is.
func TestHostileSettings(t *testing.T) {
	g := start(t)
	b := g.admin()
	for _, page := range []string{"/settings/delivery", "/settings/retention", "/settings/email", "/settings/security"} {
		fields := sent(b.get(page), "csrf", "")
		for name, text := range hostileTexts {
			form := url.Values{"smtp": {"on"}}
			for field := range fields {
				if field != "version" && field != "csrf" && field != "username" {
					form.Set(field, text)
				}
			}
			form.Set("version", fields.Get("version"))
			got := b.post(page, form).want(422).hides("<img src=x")
			if !strings.Contains(got.body, htmlText(text)) {
				t.Errorf("%s: %s is not kept", page, name)
			}
		}
	}
	long := strings.Repeat("h", 10_000)
	b.post("/settings/email", sent(b.get("/settings/email"), "smtp", "on", "smtp.host", long, "smtp.from", "a@example.com")).want(422).shows(long, "must have at most 253 bytes", `id="f-smtp.host-error"`)
	long = strings.Repeat("h", 253)
	b.post("/settings/email", sent(b.get("/settings/email"), "smtp", "on", "smtp.host", long, "smtp.from", "a@example.com")).want(303)
	b.get("/settings/email").want(200).shows(long)
}

// TestPortFollowsEncryption: without a port the usual one of the encryption is
// meant.
func TestPortFollowsEncryption(t *testing.T) {
	g := start(t)
	b := g.admin()
	for encryption, port := range map[string]string{"tls": `"port":465`, "starttls": `"port":587`} {
		form := sent(b.get("/settings/email"), "smtp", "on", "smtp.host", "mail.example.com", "smtp.port", "", "smtp.encryption", encryption, "smtp.from", "a@example.com")
		b.post("/settings/email", form).want(303)
		if got := g.settings(); !strings.Contains(got, port) {
			t.Errorf("%s: %s", encryption, got)
		}
	}
}

func TestOwnPassword(t *testing.T) {
	g := start(t)
	b, other := g.admin(), g.admin()
	change := func(present, next, repeated string) *answer {
		t.Helper()
		return b.post("/settings/password", url.Values{"password": {present}, "new_password": {next}, "repeated": {repeated}}).hides("hush-new", password)
	}
	change(password, "hush-new-1", "hush-new-2").want(422).shows("is not the same")
	change(password, "short", "short").want(422).shows("new_password")
	change("wrong", "hush-new-1", "hush-new-1").want(422).shows("is not the present password")
	change(password, "hush-new-1", "hush-new-1").want(303)
	b.get("/settings").want(200)
	other.get("/settings").want(303)
	g.browser().post("/login", url.Values{"name": {"admin"}, "password": {"hush-new-1"}}).want(303)
}

// TestSessions is the sessions' part of flow B1: they are listed, ended, and
// nobody gets in with the cookie of one that was.
func TestSessions(t *testing.T) {
	g := start(t)
	b, second, viewer, shop := g.admin(), g.admin(), g.user("viewer"), g.client(shopToken)
	page := b.get("/settings/security").want(200).shows("Your sessions", "Other people", "viewer-1", "shop", "End all others")
	viewer.get("/settings/security").want(200).hides("Other people", "End all others", "shop")
	shop.get("/settings/security").want(200).hides("Other people", "viewer-1", "How long people stay")

	id := pathPattern.FindStringSubmatch(viewer.get("/settings/security").body)[1]
	shop.post("/settings/sessions/"+id+"/end", nil).want(404)
	viewer.get("/settings").want(200)
	if !strings.Contains(page.body, "/settings/sessions/"+id+"/end") {
		t.Error("the administrator does not see the viewer's session")
	}
	b.post("/settings/sessions/"+id+"/end", nil).want(303)
	viewer.get("/settings").want(303)
	b.post("/settings/sessions/others/end", nil).want(303)
	second.get("/").want(303)
	b.get("/settings/security").want(200).shows("One other session was ended").hides("End all others")

	cookies := shop.http.Jar.Cookies(mustURL(t, g.url))
	shop.post("/logout", nil).want(303)
	shop.http.Jar.SetCookies(mustURL(t, g.url), cookies)
	shop.get("/").want(303)
}

func TestLookIsKeptByCookies(t *testing.T) {
	g := start(t)
	b := g.client(shopToken)
	b.get("/settings/look").want(200).shows("Shortcuts of single keys")
	b.post("/preferences", url.Values{"theme": {"dark"}, "density": {"compact"}, "keys": {"off"}, "clock": {"utc"}, "lang": {"id"}, "back": {"/settings/look"}}).want(303)
	b.get("/settings/look").want(200).shows(`lang="id" data-theme="dark" data-density="compact"`, `data-keys="off" data-clock="utc"`, "Tema")
}

func TestAbout(t *testing.T) {
	g := start(t)
	b := g.user("viewer")
	b.get("/settings/about").want(200).shows("SQLite", "/metrics", "are accepted", "MB")
	b.get("/settings").want(200).shows("5 attempts at most").hides("/settings/users", "/settings/transfer")
}

// TestClientSettings is what a client may set itself.
func TestClientSettings(t *testing.T) {
	g := start(t)
	b := g.client(shopToken)
	page := b.get("/settings").want(200).shows("Keep back every task").hides("/settings/email", "/settings/about", "bank", "hush-header")
	b.post("/settings", url.Values{"version": {page.value("version")}, "dev.hold": {"on"}}).want(303)
	if !strings.Contains(g.manage(http.MethodGet, "/v1/clients", "", 200), `"hold":true`) {
		t.Error("the client does not hold")
	}
	b.get("/settings/token").want(200).hides("Rotate")
	b.post("/settings/token", nil).want(403)
	client := "/v1/clients/" + id(g.clientID("shop"))
	g.manage(http.MethodPatch, client, `{"may_rotate_token":true,"version":`+b.get("/settings").value("version")+`}`, 200)
	page = b.get("/settings/token").want(200).shows("Rotate")
	got := b.post("/settings/token", url.Values{"version": {page.value("version")}, "overlap": {"0"}}).want(200)
	token := shownToken.FindStringSubmatch(got.body)
	if token == nil {
		t.Fatal("no token is shown")
	}
	g.client(token[1]).get("/settings").want(200)
}
