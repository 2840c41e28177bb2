package curl

import (
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want Request
	}{
		"an address":            {"  https://api.example.com/send?key=1#top ", Request{URL: "https://api.example.com/send?key=1"}},
		"an address and method": {"PUT https://api.example.com/send", Request{Method: "PUT", URL: "https://api.example.com/send"}},
		"no scheme":             {"api.example.com/send", Request{URL: "https://api.example.com/send"}},
		"no scheme, local":      {"curl localhost:3000/x", Request{URL: "http://localhost:3000/x"}},
		"no scheme, numbers":    {"curl 10.0.0.1:3000/x", Request{URL: "http://10.0.0.1:3000/x"}},
		"the usual": {
			`curl -X POST https://api.example.com/v1/sms \
  -H 'Authorization: Bearer sk_live_"quoted"' \
  -H "Content-Type: application/json" \
  -d '{"to":"+1555","text":"it'\''s"}'`,
			Request{Method: "POST", URL: "https://api.example.com/v1/sms", Headers: []Header{{"Authorization", `Bearer sk_live_"quoted"`}}, Body: `{"to":"+1555","text":"it's"}`},
		},
		"copied from a browser": {
			`curl 'https://api.example.com/x' -H 'accept: */*' -H 'accept-encoding: gzip' -H 'content-length: 3' --data-raw $'{"text":"Grüße\u0021 it\'s\\n \x41\101"}' --compressed`,
			Request{URL: "https://api.example.com/x", Headers: []Header{{"accept", "*/*"}}, Body: `{"text":"Grüße! it's\n AA"}`},
		},
		"copied from a browser on Windows": {
			"curl ^\"https://api.example.com/x?a=1^&b=2^\" ^\r\n  -H ^\"X-Key: k^\" ^\r\n  --data-raw ^\"^{^\\^\"a^\\^\":1^}^\"",
			Request{URL: "https://api.example.com/x?a=1&b=2", Headers: []Header{{"X-Key", "k"}}, Body: `{"a":1}`},
		},
		"lost backslashes": {
			"$ curl https://api.example.com/x\n   -H 'X-A: 1'\n   -d '{}'",
			Request{URL: "https://api.example.com/x", Headers: []Header{{"X-A", "1"}}, Body: `{}`},
		},
		"clusters and glued values": {`curl -sSLXPUT -H'X-A: 1' -d{} https://api.example.com`, Request{Method: "PUT", URL: "https://api.example.com", Headers: []Header{{"X-A", "1"}}, Body: `{}`}},
		"options with values that are no address": {
			`curl -o /dev/null -w '%{http_code}' --max-time 5 -m 3 --retry 2 --cacert ca.pem https://api.example.com`,
			Request{URL: "https://api.example.com"},
		},
		"user":                   {`curl -u 'AC1:tok"en' https://api.example.com`, Request{URL: "https://api.example.com", Headers: []Header{{"Authorization", "Basic QUMxOnRvayJlbg=="}}}},
		"user in the address":    {`curl https://AC1:s3@api.example.com/x`, Request{URL: "https://api.example.com/x", Headers: []Header{{"Authorization", "Basic QUMxOnMz"}}}},
		"bearer":                 {`curl --oauth2-bearer abc --url https://api.example.com`, Request{URL: "https://api.example.com", Headers: []Header{{"Authorization", "Bearer abc"}}}},
		"other headers":          {`curl -A me -e https://ref -b 'a=1' https://api.example.com`, Request{URL: "https://api.example.com", Headers: []Header{{"User-Agent", "me"}, {"Referer", "https://ref"}, {"Cookie", "a=1"}}}},
		"the last header counts": {`curl -H 'X-A: 1' -H 'x-a: 2' -H 'X-B;' -H 'X-C:' https://api.example.com`, Request{URL: "https://api.example.com", Headers: []Header{{"x-a", "2"}, {"X-B", ""}}}},
		"json":                   {`curl --json '{"a":' --json '1}' https://api.example.com`, Request{URL: "https://api.example.com", Body: `{"a":1}`}},
		"a form": {
			`curl https://api.example.com -H 'Content-Type: application/x-www-form-urlencoded' -d To=%2B1555 -d 'Body=a b' --data-urlencode 'From=A&B'`,
			Request{URL: "https://api.example.com", Form: true, Body: `{"To":"+1555","Body":"a b","From":"A&B"}`},
		},
		"a form with parts":      {`curl -F to=me -F file=@x.png https://api.example.com`, Request{URL: "https://api.example.com", Form: true, Body: `{"to":"me","file":""}`}},
		"get":                    {`curl -G https://api.example.com/x?a=1 -d b=2 --data-urlencode 'c=d e'`, Request{Method: "GET", URL: "https://api.example.com/x?a=1&b=2&c=d+e"}},
		"a file":                 {`curl -d @body.json https://api.example.com`, Request{URL: "https://api.example.com", File: true}},
		"variables":              {`curl "https://$HOST/x" -H "X-Key: ${API_KEY}" -H 'X-B: $NOT'`, Request{URL: "https://$HOST/x", Headers: []Header{{"X-Key", "${API_KEY}"}, {"X-B", "$NOT"}}, Variables: []string{"API_KEY", "HOST"}}},
		"other commands":         {"# send\ncurl https://api.example.com/a?x=1&y=2 -H 'X-A: 1' | jq .\ncurl https://other", Request{URL: "https://api.example.com/a?x=1&y=2", Headers: []Header{{"X-A", "1"}}}},
		"two commands":           {"curl https://api.example.com/a\ncurl https://other -H 'X-B: 1'", Request{URL: "https://api.example.com/a"}},
		"double quotes":          {`curl "https://api.example.com" -d "{\"a\": \"\$1 \\ \x\"}"`, Request{URL: "https://api.example.com", Body: `{"a": "$1 \ \x"}`}},
		"a body that is no JSON": {`curl https://api.example.com -d 'hello world'`, Request{URL: "https://api.example.com", Body: "hello world"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]error{
		"":                                       ErrEmpty,
		" \n":                                    ErrEmpty,
		"curl":                                   ErrNoURL,
		"curl -X POST":                           ErrNoURL,
		"hello":                                  ErrNoURL,
		"send it to them":                        ErrNoURL,
		"curl ftp://api.example.com":             ErrURL,
		"curl 'https://api.example.com":          ErrQuote,
		`curl "https://api.example.com`:          ErrQuote,
		`curl https://api.example.com -d $'abc`:  ErrQuote,
		"https://":                               ErrURL,
		"\xff\xfe":                               ErrNoURL,
		"curl https://[::1":                      ErrURL,
		strings.Repeat("a", MaxText+1):           ErrTooLong,
		"curl https://api.example.com:port/send": ErrURL,
		"curl https://api.example.com -Gd a\x11": ErrURL,
	} {
		if _, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%.60q: %v, want %v", text, err, want)
		}
	}
}

// FuzzParse takes whatever is pasted: what comes out is an address that can be
// asked, headers of one line each, and, from a form, JSON.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`curl -X POST 'https://a.example/x' -H 'A: "b"' -d '{"a":1}'`, `curl $'\x41\u00e9\101' --json {} https://u:p@a.example`, "POST https://a.example",
		"curl ^\"https://a.example^\" ^\r\n -H ^\"X: 1^\"", `curl "$A/${B}" -G -d a=1 -F b=@c a.example#x`, "curl -u", `\`, `$'\`, `curl -d`, "a.example|", "curl -X",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			if !slices.ContainsFunc([]error{ErrEmpty, ErrTooLong, ErrQuote, ErrNoURL, ErrURL}, func(known error) bool { return errors.Is(err, known) }) {
				t.Fatalf("an error that nobody knows: %v", err)
			}
			return
		}
		u, err := url.Parse(r.URL)
		if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			t.Fatalf("address %q: %v", r.URL, err)
		}
		for _, h := range r.Headers {
			if h.Name == "" || strings.ContainsAny(h.Name+h.Value, "\r\n\x00") {
				t.Fatalf("header %+v", h)
			}
		}
		if r.Form && !json.Valid([]byte(r.Body)) {
			t.Fatalf("the form became %q", r.Body)
		}
	})
}

// FuzzSplitWords quotes words in every way and has them taken apart again.
func FuzzSplitWords(f *testing.F) {
	f.Add("it's", `say "hi" \ $x`, "a\nb")
	f.Add("", "ü€", "#;|&")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if !utf8.ValidString(a + b + c) {
			return
		}
		single := "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		double := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(b) + `"`
		ansi := "$'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`).Replace(c) + "'"
		got, err := splitWords(single + " " + double + "\t" + ansi)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 3 || got[0].text != a || got[1].text != b || got[2].text != c {
			t.Errorf("%q %q %q became %+v", a, b, c, got)
		}
	})
}
