package browser_test

import "testing"

// TestEveryPage goes to every page of staff in both themes and widths.
func TestEveryPage(t *testing.T) {
	g := start(t, shopFile)
	b := open(t, g.url)
	b.gates("login", "/login")
	b.gates("login-client", "/login?as=client")
	b.signIn("/")
	b.gates("not-found", "/nowhere")
}

// TestSignIn is flow B1: signing in with a wrong and a right password.
func TestSignIn(t *testing.T) {
	g := start(t, shopFile)
	b := open(t, g.url)
	b.goTo("/tasks?status=failed")
	b.at("/login")
	b.fill("Name", "admin")
	b.fill("Password", "wrong")
	b.click("button.primary")
	b.see("the name or the password is wrong")
	if got := b.value("Name"); got != "admin" {
		t.Errorf("the name is %q after a wrong password", got)
	}
	if focus := js[string](b, `document.activeElement.name`); focus != "password" {
		t.Errorf("%q has the focus after a wrong password", focus)
	}
	b.fill("Password", adminPassword)
	b.click("button.primary")
	b.at("/tasks")
}
