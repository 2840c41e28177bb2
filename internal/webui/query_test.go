package webui

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func TestParseQuery(t *testing.T) {
	tests := []struct {
		text    string
		written string // "": as it was
		terms   []term
		words   string
		faults  int
	}{
		{text: ""},
		{text: "  \t ", written: "-"},
		{text: "status:failed", terms: []term{{"status", []string{"failed"}}}},
		{text: "STATUS:failed,held", written: "status:failed,held", terms: []term{{"status", []string{"failed", "held"}}}},
		{text: "state:failed phase:held", written: "status:failed,held", terms: []term{{"status", []string{"failed", "held"}}}},
		{text: `resource:"Primary SMS" client:shop`, terms: []term{{"resource", []string{"Primary SMS"}}, {"client", []string{"shop"}}}},
		{text: `client:"O'Neil \"x\" \\ y",b`, terms: []term{{"client", []string{`O'Neil "x" \ y`, "b"}}}},
		{text: `client:"a"b`, written: "client:ab", terms: []term{{"client", []string{"ab"}}}},
		{text: "disk 91", words: "disk 91"},
		{text: "disk  status:failed   91", written: "status:failed disk 91", terms: []term{{"status", []string{"failed"}}}, words: "disk 91"},
		{text: `"disk  91"`, words: "disk  91"},
		{text: `"disk 91"`, written: "disk 91", words: "disk 91"},
		{text: `"status:failed"`, words: "status:failed"},
		{text: "12:30", words: "12:30"},
		{text: "ref:inv-1 scope:prod since:1h until:5m", terms: []term{
			{"ref", []string{"inv-1"}}, {"scope", []string{"prod"}}, {"since", []string{"1h"}}, {"until", []string{"5m"}},
		}},
		{text: "since:2026-01-31T08:30+07:00", terms: []term{{"since", []string{"2026-01-31T08:30+07:00"}}}},
		{text: "client:سلمى 😀", terms: []term{{"client", []string{"سلمى"}}}, words: "😀"},
		{text: "colour:red x", written: "x", words: "x", faults: 1},
		{text: "http://example.com", written: "-", faults: 1},
		{text: "status: failed", written: "failed", words: "failed", faults: 1},
		{text: "status:,", written: "-", faults: 1},
		{text: `client:"open`, written: "client:open", terms: []term{{"client", []string{"open"}}}, faults: 1},
		{text: `"a" "b"`, written: "a b", words: "a b", faults: 1},
		{text: `"a" b`, written: "a b", words: "a b", faults: 1},
		{text: strings.Repeat("x", maxQuery+1), written: "-", faults: 1},
	}
	for _, tt := range tests {
		t.Run(cutRunes(tt.text, 40), func(t *testing.T) {
			q, faults := parseQuery(tt.text)
			if !reflect.DeepEqual(q.terms, tt.terms) || q.text != tt.words {
				t.Errorf("terms %q, text %q", q.terms, q.text)
			}
			if len(faults) != tt.faults {
				t.Errorf("%d faults, want %d: %v", len(faults), tt.faults, faults)
			}
			want := tt.written
			switch want {
			case "":
				want = tt.text
			case "-":
				want = ""
			}
			if got := q.String(); got != want {
				t.Errorf("is written %q, want %q", got, want)
			}
		})
	}
}

func TestQueryWith(t *testing.T) {
	q, _ := parseQuery("status:failed client:shop,bank disk")
	for _, tt := range []struct {
		got  query
		want string
	}{
		{q.with("status", "held"), "status:held client:shop,bank disk"},
		{q.with("status"), "client:shop,bank disk"},
		{q.with("client", ""), "status:failed disk"},
		{q.with("scope", "two words"), `status:failed client:shop,bank scope:"two words" disk`},
		{q, "status:failed client:shop,bank disk"},
	} {
		if got := tt.got.String(); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
	if q.value("status") != "failed" || q.value("client") != "" || q.value("ref") != "" {
		t.Error("value is for keys with one value")
	}
}

func TestQueryFilter(t *testing.T) {
	jakarta := time.FixedZone("UTC+07:00", 7*3600)
	now := time.Date(2026, 11, 24, 3, 30, 0, 0, jakarta)
	midnight := time.Date(2026, 11, 24, 0, 0, 0, 0, jakarta)
	all := func(phases ...dispatchapy.Phase) []dispatchapy.Phase { return phases }
	tests := []struct {
		text  string
		want  service.TaskFilter
		fault string
	}{
		{text: "", want: service.TaskFilter{}},
		{text: "status:held,failed", want: service.TaskFilter{Phases: all("failed", "held")}},
		{text: "status:pending", want: service.TaskFilter{Phases: all("queued", "retrying", "waiting")}},
		{text: "status:DEV,success,processing", want: service.TaskFilter{Phases: all("sending", "delivered", "held")}},
		{text: "status:gone", fault: "There is no status"},
		{text: "endpoint:/api/send_alert,/mail,a/b", want: service.TaskFilter{Endpoints: []string{"send_alert", "mail", "a/b"}}},
		{text: `resource:"Primary SMS" client:a,b`, want: service.TaskFilter{Resources: []string{"Primary SMS"}, Clients: []string{"a", "b"}}},
		{text: "ref:inv-1 scope:prod x", want: service.TaskFilter{Ref: "inv-1", Scope: "prod", Text: "x"}},
		{text: "ref:a,b", fault: "can have one value"},
		{text: "ref:inv-*", want: service.TaskFilter{Ref: "inv-*"}},
		{text: "scope:pro*", fault: "is compared as a whole"},
		{text: "since:1h", want: service.TaskFilter{Since: now.Add(-time.Hour)}},
		{text: "since:1d12h until:5m", want: service.TaskFilter{Since: now.Add(-36 * time.Hour), Until: now.Add(-5 * time.Minute)}},
		{text: "since:today", want: service.TaskFilter{Since: midnight}},
		{text: "since:yesterday until:today", want: service.TaskFilter{Since: midnight.AddDate(0, 0, -1), Until: midnight}},
		{text: "since:2026-11-01 until:now", want: service.TaskFilter{Since: time.Date(2026, 11, 1, 0, 0, 0, 0, jakarta), Until: now}},
		{text: "since:2026-11-01T08:30", want: service.TaskFilter{Since: time.Date(2026, 11, 1, 8, 30, 0, 0, jakarta)}},
		{text: "since:2026-11-01t08:30z", want: service.TaskFilter{Since: time.Date(2026, 11, 1, 8, 30, 0, 0, time.UTC)}},
		{text: "since:2026-11-01T08:30:15.5+01:00", want: service.TaskFilter{Since: time.Date(2026, 11, 1, 7, 30, 15, 5e8, time.UTC)}},
		{text: "since:soon", fault: "needs a time"},
		{text: "since:1h,2h", fault: "can have one value"},
		{text: "since:999999w", fault: "needs a time"},
		{text: "since:0000-01-01", fault: "needs a time"},
		{text: "since:2026-13-01", fault: "needs a time"},
		{text: "since:1h until:2h", fault: "before"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			q, faults := parseQuery(tt.text)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			got, faults := q.filter(now)
			if tt.fault != "" {
				if len(faults) == 0 || !strings.Contains(faults[0].key, tt.fault) {
					t.Fatalf("faults %v, want one with %q", faults, tt.fault)
				}
				return
			}
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzQuery checks that a query is written as it is read, and that no address
// breaks anything.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		`status:failed endpoint:send_alert resource:"Primary SMS" since:1h "disk 91"`, `client:"O'Neil \"x\"",b`, `a:b:c "`, "since:1d12h", `"`, `\`, "key:", "x\x00y", "é:ß", "status:dev,,x",
	} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 24, 3, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		q, faults := parseQuery(text)
		written := q.String()
		if !utf8.ValidString(written) {
			t.Fatalf("%q is not UTF-8", written)
		}
		again, more := parseQuery(written)
		if len(written) <= maxQuery && (len(more) > 0 || !reflect.DeepEqual(again, q)) {
			t.Fatalf("%q was written as %q, which reads as %q, %v", text, written, again, more)
		}
		if filter, wrong := q.filter(now); len(faults)+len(wrong) == 0 {
			for _, phase := range filter.Phases {
				if !slices.Contains(dispatchapy.Phases, phase) {
					t.Fatalf("phase %q", phase)
				}
			}
			if year := filter.Since.UTC().Year(); year > 9999 || year < 0 {
				t.Fatalf("since %v", filter.Since)
			}
		}
	})
}

// TestStuckMeansTheSameEverywhere compares the view with what the overview
// counts and links to it.
func TestStuckMeansTheSameEverywhere(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	q, faults := parseQuery(builtInViews["stuck"])
	got, wrong := q.filter(now)
	want := service.TaskFilter{Until: now.Add(-stuckAfter), Phases: []dispatchapy.Phase{dispatchapy.PhaseQueued, dispatchapy.PhaseRetrying, dispatchapy.PhaseWaiting}}
	if len(faults)+len(wrong) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("the view asks for %+v, the overview counts %+v (%v %v)", got, want, faults, wrong)
	}
}
