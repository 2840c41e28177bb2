package browser_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	logs "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for what should come at once. It is long
// because the machine may be busy.
const patience = 20 * time.Second

// tab is a page in a browser, which watches for what must never happen: an
// error in the console, a report of the page's policy, a request to elsewhere.
type tab struct {
	t    testing.TB
	ctx  context.Context
	base string
	who  role // signed in
	off  bool // scripts

	mu       sync.Mutex
	problems []string
	kept     map[network.RequestID]bool // what the browser had
	fetched  []string                   // assets that it had not, since forget
	loading  map[network.RequestID]bool // assets
}

// role is whom a page is shown to.
type role string

const (
	nobody role = "nobody"
	staff  role = "staff"
	client role = "a client"
)

// open makes a tab in a profile of its own.
func open(t testing.TB, base string) *tab {
	t.Helper()
	return openIn(t, base, chromedp.WithNewBrowserContext())
}

// second opens another tab of the same browser profile.
func (b *tab) second() *tab {
	b.t.Helper()
	id := chromedp.FromContext(b.ctx).BrowserContextID
	other := openIn(b.t, b.base, chromedp.WithExistingBrowserContext(id))
	other.who = b.who
	return other
}

func openIn(t testing.TB, base string, option chromedp.ContextOption) *tab {
	t.Helper()
	b := &tab{t: t, base: base, who: nobody, kept: map[network.RequestID]bool{}, loading: map[network.RequestID]bool{}}
	ctx, cancel := chromedp.NewContext(chrome, option, chromedp.WithListener(b.watch))
	b.ctx = ctx
	t.Cleanup(func() {
		b.healthy()
		if t.Failed() {
			b.keepShot()
		}
		cancel()
	})
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	b.size(1400, 900)
	return b
}

func (b *tab) watch(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, "exception: "+(&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			var parts []string
			for _, a := range e.Args {
				parts = append(parts, string(a.Value)+a.Description)
				if a.Preview != nil {
					for _, p := range a.Preview.Properties {
						parts = append(parts, p.Name+"="+p.Value)
					}
				}
			}
			b.problems = append(b.problems, fmt.Sprintf("console.%s: %s", e.Type, strings.Join(parts, " ")))
		}
	case *logs.EventEntryAdded:
		if e.Entry.Level == logs.EntryLevelError && !answered(e.Entry) {
			b.problems = append(b.problems, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		b.request(e.Request.URL)
		if strings.Contains(e.Request.URL, "/assets/") && !strings.Contains(e.Request.URL, "worker") {
			b.loading[e.RequestID] = true
		}
	case *network.EventLoadingFinished:
		delete(b.loading, e.RequestID)
	case *network.EventLoadingFailed:
		delete(b.loading, e.RequestID)
	case *network.EventRequestServedFromCache:
		b.kept[e.RequestID] = true
		delete(b.loading, e.RequestID) // that it is there is not always said
	case *network.EventResponseReceived:
		if strings.Contains(e.Response.URL, "/assets/") && !e.Response.FromDiskCache && !b.kept[e.RequestID] {
			b.fetched = append(b.fetched, e.Response.URL)
		}
	}
}

// answered reports whether an entry only says that the server refused
// something, which tests do on purpose.
func answered(e *logs.Entry) bool {
	return e.Source == logs.EntrySourceNetwork && !strings.Contains(e.URL, "/assets/") &&
		strings.Contains(e.Text, "the server responded with a status of 4")
}

func (b *tab) request(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "data" || u.Scheme == "blob" || u.Scheme == "about" {
		return
	}
	if !strings.HasPrefix(address, b.base+"/") {
		b.problems = append(b.problems, "request to another host: "+address)
	}
}

// forget has what was fetched so far not count.
func (b *tab) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fetched = nil
}

// healthy fails the test for whatever went wrong so far.
func (b *tab) healthy() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Errorf("in the browser: %s", p)
	}
	b.problems = nil
}

// forgive drops what went wrong so far, where that was to be expected.
func (b *tab) forgive(containing string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rest []string
	for _, p := range b.problems {
		if !strings.Contains(p, containing) {
			rest = append(rest, p)
		}
	}
	b.problems = rest
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.where())
	}
}

// where says what the page shows, for the messages of failures.
func (b *tab) where() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + (document.body?.innerText ?? "").slice(-1500)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// size sets how large the window is. Below 640 pixels it is a telephone.
func (b *tab) size(width, height int64) {
	b.t.Helper()
	phone := width < 640
	_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: phone,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	points := int64(0)
	if phone {
		points = 5
	}
	params := emulation.SetTouchEmulationEnabledParams{Enabled: phone}
	if phone {
		params.MaxTouchPoints = points
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetTouchEmulationEnabled, params); err != nil {
		b.t.Fatal(err)
	}
}

// show brings the tab to the front. Those behind it rest.
func (b *tab) show() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, page.BringToFront, cdp.Empty{}); err != nil {
		b.t.Fatal(err)
	}
}

// goTo opens a page of the gateway.
func (b *tab) goTo(path string) {
	b.t.Helper()
	b.mu.Lock()
	clear(b.loading) // what the page before did not get is not waited for
	b.mu.Unlock()
	b.do(chromedp.Navigate(b.base + path))
}

// js evaluates an expression in the page.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", expression, err, b.where())
	}
	return v
}

// await waits until an expression is true. It may span a navigation.
func (b *tab) await(what, expression string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")", chromedp.EvalAwaitPromise))
		cancel()
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: did not come (%v)\n%s", what, err, b.where())
		}
		time.Sleep(15 * time.Millisecond) // between two looks at the page, not for something to happen
	}
}

// again loads the page until an expression is true, as people do where it is not
// kept up to date.
func (b *tab) again(what, expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !js[bool](b, "Boolean("+expression+")"); {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: did not come\n%s", what, b.where())
		}
		b.goTo(js[string](b, `location.pathname + location.search`))
	}
}

// find is the script that finds the element that a person would mean: a CSS
// selector, or the visible words of a button, link, label or field.
const find = `((wanted) => {
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
  if (/^[#.[]|^[a-z-]+[#.[:]/.test(wanted) || wanted.includes(" > ")) return [...document.querySelectorAll(wanted)].find(shown);
  const scope = document.querySelector("dialog[open]") ?? document;
  const same = (text) => text?.replace(/\s+/g, " ").trim() === wanted;
  const begins = (text) => text?.replace(/\s+/g, " ").trim().startsWith(wanted);
  const controls = [...scope.querySelectorAll("button, a, summary, [role=button], [role=option], [role=tab], input, select, textarea")].filter(shown);
  const name = (e) => e.getAttribute("aria-label") ?? (e.labels?.length ? e.labels[0].textContent : e.matches("input, select, textarea") ? e.placeholder : e.textContent);
  return controls.find((e) => same(name(e))) ?? controls.find((e) => begins(name(e))) ?? controls.find((e) => same(e.title));
})`

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func element(wanted string) string { return find + "(" + quoted(wanted) + ")" }

// visible waits for an element that can be seen and used.
func (b *tab) visible(wanted string) {
	b.t.Helper()
	b.await(wanted+" to be there", `(() => { const e = `+element(wanted)+`; return e && !e.disabled; })()`)
}

// gone waits until an element is not to be seen any more.
func (b *tab) gone(wanted string) {
	b.t.Helper()
	b.await(wanted+" to be gone", "!"+element(wanted))
}

// click clicks with the mouse in the middle of an element, as a person would.
func (b *tab) click(wanted string) {
	b.t.Helper()
	b.visible(wanted)
	drawn := "await new Promise(requestAnimationFrame);"
	if b.off {
		drawn = ""
	}
	at := js[[]float64](b, `(async () => { const e = `+element(wanted)+`; e.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
		`+drawn+` const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`)
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

// fill writes into a field, in place of what stood there.
func (b *tab) fill(wanted, text string) {
	b.t.Helper()
	b.visible(wanted)
	js[bool](b, `(() => { const e = `+element(wanted)+`; e.focus(); e.select?.(); return true; })()`)
	if text == "" {
		b.press("Delete")
		return
	}
	b.write(text)
}

// choose takes an option of a select, by its value or words.
func (b *tab) choose(wanted, option string) {
	b.t.Helper()
	b.visible(wanted)
	if !js[bool](b, `(() => { const e = `+element(wanted)+`; const o = [...e.options].find((o) => o.value === `+quoted(option)+` || o.textContent.trim() === `+quoted(option)+`);
		if (!o) return false; e.value = o.value; e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true})); return true; })()`) {
		b.t.Fatalf("%s has no option %s", wanted, option)
	}
}

// see waits for a text to be on the page, where it can be seen.
func (b *tab) see(text string) {
	b.t.Helper()
	b.await(fmt.Sprintf("the text %q", text), `document.body.innerText.includes(`+quoted(text)+`)`)
}

// notSee fails if a text is on the page.
func (b *tab) notSee(text string) {
	b.t.Helper()
	if js[bool](b, `document.body.innerText.includes(`+quoted(text)+`)`) {
		b.t.Fatalf("the page shows %q\n%s", text, b.where())
	}
}

// at waits until the address is a path.
func (b *tab) at(path string) {
	b.t.Helper()
	b.await("the page "+path, `location.pathname === `+quoted(path)+` && document.readyState === "complete"`)
}

// value gives what stands in a field.
func (b *tab) value(wanted string) string {
	b.t.Helper()
	b.visible(wanted)
	return js[string](b, element(wanted)+`.value`)
}

// write types a text into whatever has the focus.
func (b *tab) write(text string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		return insertText(ctx, text)
	}))
}

// signIn signs in as the administrator and goes to a page.
func (b *tab) signIn(path string) {
	b.t.Helper()
	b.goTo("/login?return=" + url.QueryEscape(path))
	b.fill("Name", "admin")
	b.fill("Password", adminPassword)
	b.click("button.primary")
	b.who = staff
	b.await("to be signed in", `!location.pathname.startsWith("/login") && document.readyState === "complete"`)
}

// signInClient signs in with a client's token and goes to a page.
func (b *tab) signInClient(token, path string) {
	b.t.Helper()
	b.goTo("/login?as=client&return=" + url.QueryEscape(path))
	b.fill("Token", token)
	b.click("button.primary")
	b.who = client
	b.await("to be signed in", `!location.pathname.startsWith("/login") && document.readyState === "complete"`)
}
