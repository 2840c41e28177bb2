package webui_test

import (
	"net/http"
	"net/url"
	"testing"
)

// in makes the browser ask for the pages of a language.
func (b *browser) in(language string) *browser {
	b.g.t.Helper()
	address, err := url.Parse(b.g.url)
	if err != nil {
		b.g.t.Fatal(err)
	}
	b.http.Jar.SetCookies(address, []*http.Cookie{{Name: "lang", Value: language, Path: "/"}})
	return b
}

// TestErrorsAreSaidInTheLanguageOfThePage meets errors that the service words in
// English, on pages in Indonesian: they say them in Indonesian, and at the same
// fields.
func TestErrorsAreSaidInTheLanguageOfThePage(t *testing.T) {
	g := start(t)
	b := g.admin().in("id")
	at := g.resource("primary")

	form := b.get(at + "/configuration").want(200).fields(at + "/configuration")
	form.Set("headers[1].name", "a b")
	form.Set("headers[1].value", "x")
	form.Set("headers[2].name", "x-key")
	form.Set("headers[2].value", "y")
	b.post(at+"/configuration", form).want(422).shows(`id="f-headers[1].name-error"`, `id="f-headers[2].name-error"`, "tidak dapat menjadi nama header", "huruf besar dan kecil tidak dibedakan").hides("cannot be a header name", "same header")

	b.post(at+"/test", url.Values{"payload": {`{"a":1,}`}}).want(422).shows("baris 1, kolom 8: karakter &#39;}&#39; tidak sah di awal kunci")
	b.post(at+"/test", url.Values{"payload": {`{"a"`}}).want(422).shows("JSON berakhir terlalu awal")

	g.sink.Close() // nobody listens any more
	b.post(at+"/check", nil).want(303)
	b.get(at).want(200).shows("koneksi ditolak oleh 127.0.0.1").hides("connection refused by 127")
	b.post(at+"/test", url.Values{"payload": {`{"to":"+1","text":"x"}`}}).want(200).shows("koneksi ditolak oleh 127.0.0.1").hides("connection refused by 127")

	b.post("/setup", url.Values{"do": {"preview"}, "to": {"url"}, "url": {"ftp://x"}, "method": {"POST"}, "name": {"x"}, "path": {"p"}, "example": {`{"ref":"r","scope":"s","a":1}`}}).
		want(200).shows("resource x: URL bukan URL http atau https yang sah")
	for range 6 {
		b.post("/settings/password", url.Values{"password": {"wrong"}, "new_password": {"a new long password"}, "repeated": {"a new long password"}}).want(422)
	}
	b.post("/settings/password", url.Values{"password": {"wrong"}, "new_password": {"a new long password"}, "repeated": {"a new long password"}}).want(422).shows("terlalu banyak percobaan masuk: tunggu sebelum yang berikutnya")
}
