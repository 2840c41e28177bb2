package browser_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"dispatchapy"
	"dispatchapy/internal/store/storetest"
)

// TestSettingsPages goes to every section in both themes and widths.
func TestSettingsPages(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/settings")
	for _, section := range []string{"", "/delivery", "/retention", "/email", "/security", "/look", "/about"} {
		b.gates("settings"+strings.ReplaceAll(section, "/", "-"), "/settings"+section)
	}
}

// TestPeoplePages goes to the pages of users and API tokens.
func TestPeoplePages(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	g.manage(http.MethodPost, "/v1/users", `{"name":"Night-watch@example.com","role":"operator","password":"hush-long-enough"}`)
	g.manage(http.MethodPost, "/v1/tokens", `{"name":"deployment","role":"admin"}`)
	g.manage(http.MethodPost, "/v1/tokens", `{"name":"an old dashboard","role":"viewer","expires_at":"2030-01-01T00:00:00Z"}`)
	b := open(t, g.url)
	b.signIn("/settings/users")
	user := b.linkOf("Night-watch@example.com")
	b.gates("users", "/settings/users")
	b.gates("user-new", "/settings/users/new")
	b.gates("user", user)
	b.gates("user-delete", user+"/delete")
	b.gates("tokens", "/settings/tokens")
	b.gates("token-new", "/settings/tokens/new")
	b.goTo("/settings/tokens/new")
	b.fill("Name", "reports")
	b.choose("It ends", "date")
	b.fill("Date (UTC)", "")
	b.choose("It ends", "30")
	b.click("Create token")
	b.see("shown this once")
	b.await("the address of the token", `/^\/settings\/tokens\/\d+$/.test(location.pathname)`)
	b.accessible()
	token := js[string](b, `location.pathname`)
	b.gates("token", token)
	b.gates("token-delete", token+"/delete")
}

// TestClientSettingsPages goes to what a client may set itself.
func TestClientSettingsPages(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signInClient(shopToken, "/settings")
	for _, section := range []string{"", "/token", "/security", "/look"} {
		b.gates("own-settings"+strings.ReplaceAll(section, "/", "-"), "/settings"+section)
	}
}

// mailServer is one that takes the password hush-mail of u, and counts mails.
func mailServer(t *testing.T) (port string, arrived chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived = make(chan string, 10)
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return mailSession{arrived}, nil }))
	server.AllowInsecureAuth, server.ErrorLog = true, log.New(io.Discard, "", 0)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
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

// TestSettings is flow B14: every field is saved and stays, a mail server is
// tried with values that are not saved, and its password is never on a page.
func TestSettings(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/settings/delivery")
	written := map[string]string{
		"Attempts at most": "7", "None after": "24h", "First wait": "2s", "Factor": "3", "Longest wait": "30m", "Random share": "0.5", "At least": "1s", "At most": "4s",
	}
	for label, value := range written {
		b.fill(label, value)
	}
	b.see("Not saved yet.")
	b.fill("First wait", "soon")
	b.click("Save")
	b.see("must be a number and a unit")
	b.await("the focus to be on what is wrong", `document.activeElement.className === "summary"`)
	b.fill("First wait", "2s")
	b.click("Save")
	b.see("Saved.")
	for label, value := range written {
		if got := b.value(label); got != value {
			t.Errorf("%s is %q, want %q", label, got, value)
		}
	}
	for path, fields := range map[string]map[string]string{
		"/settings/retention": {"Days after they finished": "14", "Days that they are kept": "90"}, "/settings/security": {"Without a request": "2h", "In all": "48h"},
	} {
		b.goTo(path)
		if path == "/settings/retention" {
			b.click("Delete old tasks")
		}
		for label, value := range fields {
			b.fill(label, "x")
			b.click("Save")
			b.await("what is wrong to be said", `[...document.querySelectorAll("[aria-invalid=true]")].some((e) => e.value === "x")`)
			b.fill(label, value)
		}
		b.click("Save")
		b.see("Saved.")
		b.goTo(path)
		for label, value := range fields {
			if got := b.value(label); got != value {
				t.Errorf("%s is %q, want %q", label, got, value)
			}
		}
	}

	port, arrived := mailServer(t)
	b.goTo("/settings/email")
	b.click("Send mail")
	b.choose("Encryption", "tls")
	if got := b.value("Port"); got != "465" {
		t.Errorf("with TLS the port is %s", got)
	}
	b.choose("Encryption", "none")
	b.fill("Port", port)
	b.fill("Server", "127.0.0.1")
	b.fill("User name", "u")
	b.fill("Password", "hush-wrong")
	b.fill("Sender", "gate@example.com")
	b.click("Test connection")
	b.await("the test to fail", `document.querySelector("#mail-result .banner.fail")`)
	b.fill("Password", "hush-mail")
	b.click("Test connection")
	b.see("logged in as u")
	b.fill("Who gets the test mail", "ops@example.com")
	b.click("Send test mail")
	b.see("sent a mail to ops@example.com")
	<-arrived
	b.fill("Port", "x")
	b.click("Save")
	b.see("must be a whole number")
	b.fill("Port", port)
	b.click("Save")
	b.see("Saved.")
	if b.value("Password") != "" || js[bool](b, `document.documentElement.outerHTML.includes("hush-mail")`) {
		t.Error("the password is on the page")
	}
	b.click("Test connection")
	b.see("logged in as u")
	if _, settings := g.manage(http.MethodGet, "/v1/settings", ""); !strings.Contains(settings, `"max_attempts":7`) || !strings.Contains(settings, `"after_days":14`) || !strings.Contains(settings, `"audit_days":90`) {
		t.Error(settings)
	}
}

// TestOldTasksAreDeleted is the part of flow B14 about deleting: only finished
// tasks that are old enough go, once it was switched on.
func TestOldTasksAreDeleted(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	states := []dispatchapy.Status{dispatchapy.StatusSuccess, dispatchapy.StatusFailed, dispatchapy.StatusHeld, dispatchapy.StatusStopped}
	g.fill(storetest.Crowd{Tasks: 8, Until: time.Now().Add(-20 * 24 * time.Hour), Every: time.Hour, Status: func(place int) dispatchapy.Status { return states[place%len(states)] }})
	g.fill(storetest.Crowd{Tasks: 4, Until: time.Now(), Every: time.Minute, Status: func(place int) dispatchapy.Status { return states[place] }})
	b := open(t, g.url)
	b.signIn("/tasks")
	b.await("all tasks", `document.querySelectorAll("[data-list] > tr").length === 12`)
	b.goTo("/settings/retention")
	b.click("Delete old tasks")
	b.fill("Days after they finished", "14")
	b.click("Save")
	b.see("Saved.")
	g.interrupt(func() {}) // it deletes when it begins, and then every minute
	b.goTo("/tasks")
	b.again("the old ones to be gone", `document.querySelectorAll("[data-list] > tr").length === 8`)
	left := js[map[string]int](b, `[...document.querySelectorAll("[data-list] > tr")].reduce((n, row) => ({ ...n, [row.dataset.state]: (n[row.dataset.state] ?? 0) + 1 }), {})`)
	for state, want := range map[string]int{"delivered": 1, "failed": 1, "held": 3, "stopped": 3} {
		if left[state] != want {
			t.Errorf("%d tasks are left that are %s, want %d", left[state], state, want)
		}
	}
}

// TestTwoEditorsAndALostSession are flow B18 for the settings: two people save
// the same section, and a session ends while a form is being filled in.
func TestTwoEditorsAndALostSession(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/settings/delivery")
	second := b.second()
	second.goTo("/settings/delivery")
	b.fill("Attempts at most", "7")
	b.click("Save")
	b.see("Saved.")
	second.fill("Attempts at most", "9")
	second.click("Save")
	second.see("Somebody else saved this")
	second.see(`"max_attempts": 7`)
	second.click("Save mine")
	second.see("Saved.")
	if got := second.value("Attempts at most"); got != "9" {
		t.Errorf("%s attempts were saved", got)
	}

	b.goTo("/settings/delivery")
	b.fill("Attempts at most", "11")
	g.endSessions()
	b.click("Save")
	b.see("Your session has ended")
	b.forgive("Response Status Error Code 401")
	b.fill("Password", adminPassword)
	b.click("Sign in")
	b.see("Saved.")
	if got := b.value("Attempts at most"); got != "11" {
		t.Errorf("%s attempts were saved", got)
	}
}

// endSessions ends everybody's sessions, as if they had run out.
func (g *gateway) endSessions() {
	g.t.Helper()
	_, list := g.manage(http.MethodGet, "/v1/sessions", "")
	for _, part := range strings.Split(list, `"id":`)[1:] {
		g.manage(http.MethodDelete, "/v1/sessions/"+strings.SplitN(part, ",", 2)[0], "")
	}
}

// TestSessionsInABrowser is flow B1's part about sessions: they are listed and
// ended, and after signing out the old cookie lets nobody in.
func TestSessionsInABrowser(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b, other := open(t, g.url), open(t, g.url)
	b.signIn("/settings/security")
	other.signIn("/settings/security")
	other.see("This session")
	other.click("End all others")
	other.see("One other session was ended.")
	b.goTo("/settings")
	b.at("/login")
	cookie := other.cookie("dispatchapy_session")
	other.click("summary.item")
	other.click("Sign out")
	other.at("/login")
	if status, _ := g.request(http.MethodGet, "/v1/session", "", http.Header{"Cookie": {"dispatchapy_session=" + cookie}}); status != http.StatusUnauthorized {
		t.Errorf("the cookie of a session that ended: %d", status)
	}
}

// TestShortcutsCanBeSwitchedOff is the part of flow B17 about the setting.
func TestShortcutsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.signIn("/settings/look")
	b.press("?")
	b.visible("#keys-help")
	b.press("Escape")
	b.click("off")
	b.click("Save")
	b.await("the choice to be kept", `document.documentElement.dataset.keys === "off"`)
	b.press("?")
	b.press("g")
	b.press("t")
	if js[bool](b, `document.querySelector("#keys-help").open`) || js[string](b, `location.pathname`) != "/settings/look" {
		t.Error("shortcuts work although they are off")
	}
}
