package webui_test

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func init() {
	maps.Copy(matrix, map[string]access{
		"GET /endpoints/{id}/rules":  {nobody: 303, shop: 404, bank: 404, viewer: 200, operator: 200, admin: 200, path: anEndpoint},
		"POST /endpoints/{id}/rules": {nobody: 303, shop: 404, bank: 404, viewer: 403, operator: 403, admin: 409, path: anEndpoint},
	})
}

// mappingForm is what a browser posts of the mapping of an endpoint with the
// resources primary and backup.
func mappingForm(e endpointView, pairs ...string) url.Values {
	form := url.Values{"version": e.version(), "resources": {"primary", "backup"}, "shown": {"0"}, "example": {`{"ref":"r-1","scope":"s","phone":"+1555","message":"hi"}`}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

// row gives the fields of a row.
func row(list, place int, pairs ...string) []string {
	out := make([]string, len(pairs))
	for i := 0; i < len(pairs); i += 2 {
		out[i], out[i+1] = fmt.Sprintf("mapping[%d][%d].%s", list, place, pairs[i]), pairs[i+1]
	}
	return out
}

var exactBody = regexp.MustCompile(`(?s)<pre class="code wrap" id="exact-(\d+)" tabindex="0">\n(.*?)</pre>`)

// exact gives what the page says would be sent, byte for byte, by place.
func (a *answer) exact() map[string]string {
	out := map[string]string{}
	for _, match := range exactBody.FindAllStringSubmatch(a.body, -1) {
		out[match[1]] = html.UnescapeString(match[2])
	}
	return out
}

// text gives what the page says, without tags.
func (a *answer) text() string {
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(a.body, ""))
}

func (b *browser) part(method, path string, form url.Values, part string) *answer {
	b.g.t.Helper()
	form.Set("csrf", b.csrf())
	return b.do(method, path, "application/x-www-form-urlencoded", form.Encode(), http.Header{"Hx-Request": {"true"}, "Hx-Target": {part}})
}

func TestMappingIsShown(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	page := b.get(e.own("rules")).want(http.StatusOK)
	page.shows(`value="phone"`, `name="mapping[0][0].key"`, "Exactly as it is sent", "All that it requires is there.", "order-1042").hides("hush-header")
	g.post(shopToken, "sms", `{"ref":"latest","scope":"s","phone":"+62","message":"of the last task","id":12345678901234567890}`)
	page = b.get(e.own("rules"))
	page.shows("of the last task", "12345678901234567890")
	if got := page.exact()["0"]; got != `{"text":"of the last task","to":"+62"}` {
		t.Errorf("primary would get %s", got)
	}
	if !strings.Contains(page.text(), "scope (not sent)") {
		t.Error("the page does not say which keys are not sent")
	}
	viewer := g.user("viewer").get(e.own("rules")).want(http.StatusOK)
	viewer.shows(`value="phone"`, "<fieldset disabled>").hides("Will be sent", "Suggest", "of the last task", "Incoming example")
	g.makeEndpoint(`{"path":"alone"}`)
	alone := g.endpoint("alone")
	b.get(alone.own("rules")).shows("No resource is used yet", alone.own("")+"#failover")
}

// TestEverySourceIsSaved has a row for each kind, and reads them back.
func TestEverySourceIsSaved(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	form := mappingForm(e, slices.Concat(
		row(0, 0, "key", "to", "kind", "from", "from", " customer.phones.0 ", "default", "none", "type", "string"),
		row(0, 1, "key", "text", "kind", "template", "template", "{{message}}\r\n({{ref}}) O'Neil <b>", "value", "forgotten"),
		row(0, 2, "key", "n", "kind", "value", "value", "12345678901234567890"),
		row(0, 3, "key", "prio", "kind", "value", "value", "high"),
		row(0, 4, "key", "meta.flag", "kind", "value", "value", `{"z": 1.10, "a": [true]}`),
		row(0, 5, "key", "id", "kind", "uuid", "default", "x"),
		row(0, 6, "key", "at", "kind", "now", "type", "json"),
		row(0, 7, "key", "", "kind", "from", "from", ""),
	)...)
	b.post(e.own("rules"), form).want(http.StatusSeeOther)
	got := g.endpoint("sms").Mapping["primary"]
	for key, want := range map[string]string{
		"to":        `{"from":"customer.phones.0","default":"none","type":"string"}`,
		"text":      `{"template":"{{message}}\n({{ref}}) O'Neil <b>"}`,
		"n":         `{"value":12345678901234567890}`,
		"prio":      `{"value":"high"}`,
		"meta.flag": `{"value":{"z":1.10,"a":[true]}}`,
		"id":        `{"uuid":true}`,
		"at":        `{"now":true}`,
	} {
		if have := compact(t, got[key]); have != compact(t, json.RawMessage(want)) {
			t.Errorf("%s is %s, want %s", key, have, want)
		}
	}
	if len(got) != 7 {
		t.Errorf("%d keys were saved: %v", len(got), got)
	}
	page := b.get(e.own("rules"))
	page.shows("The mapping is saved.", "{{message}}\n({{ref}}) O&#39;Neil &lt;b&gt;</textarea>", "12345678901234567890</textarea>", "\nhigh</textarea>", `{&#34;z&#34;:1.10,&#34;a&#34;:[true]}`)
	page.shows("‹new for every task›", "‹time of sending›")
	again := page.fields(e.own("rules"))
	b.post(e.own("rules"), again).want(http.StatusSeeOther)
	if after := g.endpoint("sms"); fmt.Sprint(after.Mapping) != fmt.Sprint(g.endpoint("sms").Mapping) || len(after.Mapping["primary"]) != 7 {
		t.Errorf("saving what is shown changed it: %v", after.Mapping)
	}
}

func compact(t *testing.T, text json.RawMessage) string {
	t.Helper()
	var v map[string]json.RawMessage
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestMappingWithFaults keeps everything and says at the row what is wrong; the
// other rows are previewed nevertheless.
func TestMappingWithFaults(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	for _, tt := range []struct {
		name  string
		row   []string
		field string
	}{
		{"no source", row(1, 1, "key", "extra", "kind", "from", "from", ""), "mapping[1][1].from"},
		{"no key", row(1, 1, "key", " ", "kind", "value", "value", "7"), "mapping[1][1].key"},
		{"twice", row(1, 1, "key", "first", "kind", "uuid"), "mapping[1][1].key"},
		{"value and object", row(1, 1, "key", "first.inner", "kind", "uuid"), "mapping[1][1].key"},
		{"open braces", row(1, 1, "key", "t", "kind", "template", "template", "{{message"), "mapping[1][1].template"},
		{"broken JSON", row(1, 1, "key", "v", "kind", "value", "value", `{"a"`), "mapping[1][1].value"},
		{"no such type", row(1, 1, "key", "v", "kind", "from", "from", "a", "type", "colour"), "mapping[1][1].type"},
		{"cannot be cast", row(1, 1, "key", "v", "kind", "value", "value", "abc", "type", "number"), "mapping[1][1].value"},
	} {
		form := mappingForm(e, slices.Concat(row(0, 0, "key", "to", "kind", "from", "from", "phone"), row(1, 0, "key", "first", "kind", "from", "from", "message"), tt.row)...)
		page := b.post(e.own("rules"), form).want(http.StatusUnprocessableEntity)
		if !strings.Contains(page.body, `id="f-`+tt.field+`-error"`) {
			t.Errorf("%s: no message at %s: %.900s", tt.name, tt.field, page.body[max(0, strings.Index(page.body, `id="faults"`)):])
		}
		page.shows(`id="map-tab-1" name="do" value="show 1" formnovalidate aria-controls="map-panel-1" aria-selected="true"`)
		if got := page.exact()["1"]; got != `{"first":"hi"}` && tt.name != "value and object" {
			t.Errorf("%s: the other row is not previewed: %q", tt.name, got)
		}
	}
	for _, text := range hostileWords {
		form := mappingForm(e, slices.Concat(row(0, 0, "key", text, "kind", "template", "template", text, "from", text, "value", text, "default", text, "type", text), row(0, 1, "key", "", "kind", "from", "from", text))...)
		form.Set("example", text)
		page := b.post(e.own("rules"), form).want(http.StatusUnprocessableEntity).hides("<img", "onerror=alert(1)>")
		if got := page.fields(e.own("rules")); got.Get("mapping[0][0].template") != text || got.Get("example") != text || got.Get("mapping[0][1].from") != text {
			t.Errorf("%.40q came back as %.40q", text, got.Get("mapping[0][0].template"))
		}
	}
}

func TestMappingOfTwoEditors(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	form := mappingForm(e, row(0, 0, "key", "to", "kind", "from", "from", "phone")...)
	b.post(e.own("rules"), form).want(http.StatusSeeOther)
	b.get(e.own("rules")).shows("not complete yet", "primary needs one more key: text")
	form.Set("mapping[0][0].from", "mine")
	page := b.post(e.own("rules"), form).want(http.StatusConflict).shows("was changed in the meantime", `value="mine"`)
	fresh := page.fields(e.own("rules"))
	fresh["version"] = g.endpoint("sms").version()
	b.post(e.own("rules"), fresh).want(http.StatusSeeOther)
	if got := g.endpoint("sms").Mapping["primary"]["to"]; string(got) != `{"from":"mine"}` {
		t.Errorf("stored %s", got)
	}
}

// TestMappingWithoutScripts presses the buttons that scripts take over.
func TestMappingWithoutScripts(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	do := func(what string, pairs ...string) (*answer, url.Values) {
		t.Helper()
		form := mappingForm(e, pairs...)
		form.Set("do", what)
		page := b.post(e.own("rules"), form).want(http.StatusOK)
		return page, page.fields(e.own("rules"))
	}
	_, got := do("suggest 0", row(0, 0, "key", "to", "kind", "from", "from", "", "type", "string")...)
	if got.Get("mapping[0][0].from") != "phone" || got.Get("mapping[0][1].key") != "text" || got.Get("mapping[0][1].from") != "message" {
		t.Errorf("suggested %v", got)
	}
	_, got = do("suggest 0", row(0, 0, "key", "to", "kind", "value", "value", "kept")...)
	if got.Get("mapping[0][0].value") != "kept" {
		t.Errorf("a suggestion replaced what was written: %v", got)
	}
	_, got = do("add mapping[1]", row(1, 0, "key", "a", "kind", "uuid")...)
	if !got.Has("mapping[1][1].key") || got.Get("mapping[1][0].key") != "a" {
		t.Errorf("added %v", got)
	}
	_, got = do("remove mapping[0] 0", slices.Concat(row(0, 0, "key", "a", "kind", "uuid"), row(0, 1, "key", "b", "kind", "uuid"))...)
	if got.Get("mapping[0][0].key") != "b" || got.Has("mapping[0][1].key") {
		t.Errorf("removed %v", got)
	}
	_, got = do("copy 0", slices.Concat([]string{"copy[0]", "1"}, row(0, 0, "key", "old", "kind", "uuid"), row(1, 0, "key", "to", "kind", "template", "template", "x{{ref}}"))...)
	if got.Get("mapping[0][0].template") != "x{{ref}}" || got.Get("mapping[0][1].key") != "text" || got.Has("mapping[0][2].key") {
		t.Errorf("copied %v", got)
	}
	page, got := do("show 1")
	if got.Get("shown") != "1" {
		t.Errorf("shows %q", got.Get("shown"))
	}
	page.shows("Nothing is mapped: it gets the message as it came.")
	page, _ = do("example docs")
	page.shows("order-1042")
	page, _ = do("preview", "view", "all")
	page.shows(`id="sent-0"`, `id="sent-1"`)
	if _, got = do("show 99"); got.Get("shown") != "0" {
		t.Errorf("shows %q", got.Get("shown"))
	}
}

func TestPreviewSaysWhatIsMissing(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	form := mappingForm(e, slices.Concat(row(0, 0, "key", "to", "kind", "from", "from", "nobody"), row(0, 1, "key", "n", "kind", "from", "from", "message", "type", "number"))...)
	form.Set("do", "preview")
	page := b.part(http.MethodPost, e.own("rules"), form, "mapping-preview").want(http.StatusOK).hides("<html")
	said := page.text()
	for _, want := range []string{
		"This message does not fit it", "cannot become a number", "primary needs one more key: text",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the preview does not say %q: %s", want, said)
		}
	}
	form.Del("mapping[0][1].type")
	page = b.part(http.MethodPost, e.own("rules"), form, "mapping-preview")
	if said := page.text(); !strings.Contains(said, "to is left out: the example has no nobody.") {
		t.Errorf("the preview says %s", said)
	}
	form.Set("example", "{")
	b.part(http.MethodPost, e.own("rules"), form, "mapping-preview").want(http.StatusOK).shows("The endpoint would refuse the example")
	form.Set("example", `{"ref":"r"}`)
	b.part(http.MethodPost, e.own("rules"), form, "mapping-preview").shows("The endpoint would refuse the example", "scope")
}

// TestSendingATest confirms first, sends what is written and not what is saved,
// and shows the answer.
func TestSendingATest(t *testing.T) {
	g := start(t)
	b := g.admin()
	e := g.endpoint("sms")
	g.says.Store(`{"provider":"<script>alert(1)</script>"}`)
	form := mappingForm(e, row(0, 0, "key", "unsaved", "kind", "template", "template", "to {{phone}}")...)
	form.Set("do", "test 0")
	b.post(e.own("rules"), form).want(http.StatusOK).shows("This sends a real request to primary", "Send it to primary")
	if len(g.got()) != 0 {
		t.Fatal("it was sent before it was confirmed")
	}
	form.Set("do", "send 0")
	page := b.post(e.own("rules"), form).want(http.StatusOK).shows("Test request to primary", "&lt;script&gt;", `value="unsaved"`).hides("<script>alert", "hush-header")
	got := g.got()
	if len(got) != 1 || got[0].body != `{"unsaved":"to +1555"}` || got[0].path != "/primary" || got[0].header.Get("X-Key") != "hush-header" {
		t.Errorf("sent %+v", got)
	}
	if page.exact()["0"] != got[0].body {
		t.Errorf("shown is %s, sent was %s", page.exact()["0"], got[0].body)
	}
	form.Set("example", "[1")
	b.post(e.own("rules"), form).want(http.StatusUnprocessableEntity).shows(`id="f-example-error"`)
}

// TestWhatIsPreviewedIsWhatIsSent is gate G12: of 200 random messages the page
// shows, byte for byte, what the provider then gets.
func TestWhatIsPreviewedIsWhatIsSent(t *testing.T) {
	g := start(t)
	b := g.admin()
	e, through := g.endpoint("sms"), g.endpoint("mail")
	mapping := mappingForm(e, slices.Concat(
		row(0, 0, "key", "to", "kind", "from", "from", "phone"), row(0, 1, "key", "text", "kind", "template", "template", "{{message}} – {{deep.0.key}} ({{ref}})"),
		row(0, 2, "key", "all.deep", "kind", "from", "from", "deep"), row(0, 3, "key", "all.text", "kind", "from", "from", "message", "type", "string"),
		row(0, 4, "key", "fixed", "kind", "value", "value", `{"z":1.0,"a":[1e400]}`), row(0, 5, "key", "id", "kind", "uuid"),
		row(0, 6, "key", "maybe", "kind", "from", "from", "maybe", "default", `"<none>"`),
	)...)
	b.post(e.own("rules"), mapping).want(http.StatusSeeOther)
	saved := b.get(e.own("rules")).fields(e.own("rules"))
	plainForm := b.get(through.own("rules")).fields(through.own("rules"))
	csrf := b.csrf()
	var times []time.Duration
	random := rand.New(rand.NewPCG(1, 2))
	uuid := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	for n := range 200 {
		payload := randomMessage(random)
		form, page, token, path := saved, e, shopToken, "sms"
		if n%4 == 3 {
			form, page, token, path = plainForm, through, bankToken, "mail"
		}
		form.Set("example", payload)
		form.Set("do", "preview")
		form.Set("csrf", csrf)
		began := time.Now()
		shown := b.do(http.MethodPost, page.own("rules"), "application/x-www-form-urlencoded", form.Encode(), http.Header{"Hx-Request": {"true"}, "Hx-Target": {"mapping-preview"}}).want(http.StatusOK)
		times = append(times, time.Since(began))
		g.post(token, path, payload)
		g.await(func() bool { return len(g.got()) > n })
		sent := uuid.ReplaceAllString(g.got()[n].body, "UUID")
		if previewed := uuid.ReplaceAllString(shown.exact()["0"], "UUID"); previewed != sent {
			t.Fatalf("message %d, %s:\npreviewed %s\nsent      %s", n, payload, previewed, sent)
		}
	}
	slices.Sort(times)
	t.Logf("a preview took %s in the middle, and %s at p95", times[len(times)/2], times[len(times)*95/100])
}

// randomMessage writes a message that the intake takes, in one of the many ways
// in which JSON can be written.
func randomMessage(r *rand.Rand) string {
	space := func() string { return strings.Repeat(" ", r.IntN(3)) + []string{"", "\n", "\t"}[r.IntN(3)] }
	var value func(depth int) string
	text := func() string {
		var out strings.Builder
		out.WriteByte('"')
		for range r.IntN(12) {
			out.WriteString([]string{"a", "é", "😀", "\u202e", `\"`, `\\`, `\n`, `\u0041`, `\ud83d\ude00`, "<b>", "&amp;", "'", "{{x}}", "\u2028", " ", "%"}[r.IntN(16)])
		}
		return out.String() + `"`
	}
	value = func(depth int) string {
		switch r.IntN(8 - min(depth, 3)) {
		case 0:
			return text()
		case 1:
			return []string{"0", "-1", "12345678901234567890", "1.10", "1E5", "-0.0", "1e400"}[r.IntN(7)]
		case 2:
			return []string{"true", "false", "null"}[r.IntN(3)]
		case 3, 4:
			return text()
		case 5:
			return "[" + space() + value(depth+1) + space() + "," + value(depth+1) + "]"
		}
		return "{" + space() + `"key"` + space() + ":" + value(depth+1) + "," + strconv.Quote(fmt.Sprint("k", r.IntN(9))) + ":" + space() + value(depth+1) + "}"
	}
	keys := []string{`"ref":"r-` + strconv.Itoa(r.IntN(1000)) + `"`, `"scope":"s"`, `"phone":` + value(0), `"message":` + value(0), `"deep":` + value(0)}
	if r.IntN(2) == 0 {
		keys = append(keys, `"maybe":`+value(0))
	}
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return "{" + space() + strings.Join(keys, ","+space()) + space() + "}"
}
