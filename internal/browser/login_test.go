package browser_test

import "testing"

// TestEveryPage goes to every page of staff in both themes and widths.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.gates("login", "/login")
	b.gates("login-client", "/login?as=client")
	b.signIn("/")
	b.gates("not-found", "/nowhere")
}

// TestSignIn is flow B1: signing in with a wrong and a right password.
func TestSignIn(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.goTo("/tasks?q=status:failed")
	b.at("/login")
	b.fill("Name", "admin")
	b.fill("Password", "wrong")
	b.click("button.primary")
	b.see("the name or the password is wrong")
	if n := js[int](b, `document.querySelectorAll("[role=alert], .error").length`); n != 1 {
		t.Errorf("a wrong password has %d messages", n)
	}
	if got := b.value("Name"); got != "admin" {
		t.Errorf("the name is %q after a wrong password", got)
	}
	if focus := js[string](b, `document.activeElement.name`); focus != "password" {
		t.Errorf("%q has the focus after a wrong password", focus)
	}
	b.fill("Password", adminPassword)
	b.click("button.primary")
	b.at("/tasks")
	if got := js[string](b, `location.search`); got != "?q=status:failed" {
		t.Errorf("of the page that was asked for came %q", got)
	}
}

// TestGuessingIsSlowedDown is the part of flow B1 about those who try many
// passwords: five are free, then it takes a while, for the right one as well.
func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	g := start(t, shopFile)
	b := open(t, g.url)
	b.goTo("/login")
	b.fill("Name", "admin")
	for n := 1; ; n++ {
		b.fill("Password", "wrong")
		js[string](b, `(document.body.dataset.old = "yes")`)
		b.click("button.primary")
		b.await("the answer", `!document.body.dataset.old && document.querySelector("[role=alert]")`)
		slowed := js[bool](b, `document.querySelector("[role=alert]").innerText.includes("too many attempts to sign in")`)
		if slowed && n <= 5 {
			t.Fatalf("attempt %d is refused already", n)
		}
		if slowed {
			break // a slow machine lets one through, and then the delay is twice as long
		}
		if n == 15 {
			t.Fatal("guessing is not slowed down")
		}
	}
	b.fill("Password", adminPassword)
	b.click("button.primary")
	b.see("too many attempts to sign in")
}
