package deliver

import (
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"dispatchapy"
)

func TestGuard(t *testing.T) {
	const (
		public  = "public"  // always allowed
		private = "private" // by setting
		never   = "never"
	)
	tests := map[string]string{
		"8.8.8.8":                      public,
		"2606:4700::1111":              public,
		"::ffff:8.8.8.8":               public,
		"64:ff9b::8.8.8.8":             public,
		"127.0.0.1":                    private,
		"10.1.2.3":                     private,
		"172.31.0.1":                   private,
		"192.168.1.1":                  private,
		"100.64.0.1":                   private,
		"198.18.0.1":                   private,
		"::1":                          private,
		"fd12:3456::1":                 private,
		"::ffff:127.0.0.1":             private,
		"::ffff:10.0.0.1":              private,
		"64:ff9b::10.0.0.1":            private,
		"64:ff9b:1::10.0.0.1":          private,
		"2002:a00:1::":                 private, // 6to4 of 10.0.0.1
		"2002:808:808::":               private, // 6to4 is not the public internet any more
		"169.254.169.254":              never,
		"169.254.170.2":                never,
		"169.254.0.1":                  never,
		"100.100.100.200":              never,
		"168.63.129.16":                never,
		"192.0.0.192":                  never,
		"0.0.0.0":                      never,
		"0.1.2.3":                      never,
		"224.0.0.1":                    never,
		"239.255.255.250":              never,
		"255.255.255.255":              never,
		"::":                           never,
		"fe80::1":                      never,
		"fe80::1%eth0":                 never,
		"fec0::1":                      never,
		"ff02::1":                      never,
		"fd00:ec2::254":                never,
		"fd00:ec2::254%eth0":           never,
		"fd20:ce::254":                 never,
		"fd00:42::42":                  never,
		"::ffff:169.254.169.254":       never,
		"::ffff:0.0.0.0":               never,
		"::169.254.169.254":            never, // IPv4-compatible
		"64:ff9b::169.254.169.254":     never,
		"64:ff9b::a9fe:a9fe":           never,
		"64:ff9b:1:a9fe:a9:fe00::":     never, // RFC 6052, /48
		"64:ff9b:1:a9:fe:a9fe::":       never, // /56
		"64:ff9b:1:0:a9:fea9:fe00:0":   never, // /64
		"64:ff9b:1::169.254.169.254":   never, // /96
		"2002:a9fe:a9fe::1":            never, // 6to4
		"2001:0:a9fe:a9fe::1":          never, // Teredo server
		"2001:0:1:1:0:0:5601:5601":     never, // Teredo client
		"2001:db8::5efe:a9fe:a9fe":     never, // ISATAP
		"2001:db8::200:5efe:a9fe:a9fe": never,
	}
	var allow atomic.Bool
	g := newGuard(allow.Load)
	for text, want := range tests {
		addr := netip.MustParseAddr(text)
		allow.Store(false)
		_, strict := g.check(addr)
		allow.Store(true)
		onPrivate, lax := g.check(addr)
		got := never
		switch {
		case strict == nil && lax == nil:
			got = public
		case lax == nil:
			got = private
		}
		if got != want || onPrivate != (want == private) {
			t.Errorf("%s is %s (private %v), want %s; %v, %v", text, got, onPrivate, want, strict, lax)
		}
	}
}

// TestGuardSeesThroughDisguise: whatever an address is, its embedded forms are
// judged no milder.
func TestGuardSeesThroughDisguise(t *testing.T) {
	var allow atomic.Bool
	g := newGuard(allow.Load)
	rapid.Check(t, func(t *rapid.T) {
		b := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		if b[0] == 0 {
			t.Skip("0.0.0.0/8 is not looked for where an address may be anywhere")
		}
		plain := netip.AddrFrom4(b)
		hidden := map[string][16]byte{
			"mapped":    {10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]},
			"nat64":     {0, 0x64, 0xff, 0x9b, 12: b[0], 13: b[1], 14: b[2], 15: b[3]},
			"nat64 /48": {0, 0x64, 0xff, 0x9b, 0, 1, b[0], b[1], 0, b[2], b[3]},
			"6to4":      {0x20, 0x02, b[0], b[1], b[2], b[3]},
			"teredo":    {0x20, 0x01, 0, 0, 9, 9, 9, 9, 12: ^b[0], 13: ^b[1], 14: ^b[2], 15: ^b[3]},
			"isatap":    {0x26, 0x06, 10: 0x5e, 11: 0xfe, 12: b[0], 13: b[1], 14: b[2], 15: b[3]},
		}
		for _, on := range []bool{false, true} {
			allow.Store(on)
			if _, err := g.check(plain); err == nil {
				continue
			}
			for form, bytes := range hidden {
				if _, err := g.check(netip.AddrFrom16(bytes)); err == nil {
					t.Errorf("%s is refused (private allowed: %v), but not as %s %s", plain, on, form, netip.AddrFrom16(bytes))
				}
			}
		}
	})
}

func TestBlockedRequests(t *testing.T) {
	var hits atomic.Int32
	s := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	var allow atomic.Bool
	c := NewClient(Options{AllowPrivate: allow.Load})
	t.Cleanup(c.Close)
	do := func(url string) Result { return c.Do(t.Context(), targetOf(url), "k", []byte("{}")) }

	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"} {
		if r := do("http://" + host + port); r.Outcome != dispatchapy.OutcomeFailed || r.Error != dispatchapy.ErrorBlocked {
			t.Errorf("%s: result = %+v, want blocked", host, r)
		}
	}
	if r := do(s.URL); !strings.Contains(r.Detail, "outbound.allow_private") {
		t.Errorf("detail = %q, want the setting's name", r.Detail)
	}
	if n := hits.Load(); n != 0 {
		t.Fatalf("server was reached %d times", n)
	}

	allow.Store(true)
	if r := do(s.URL); r.Outcome != dispatchapy.OutcomeDelivered {
		t.Errorf("allowed: result = %+v", r)
	}
	allow.Store(false) // holds for the kept connection too
	if r := do(s.URL); r.Error != dispatchapy.ErrorBlocked {
		t.Errorf("no longer allowed: result = %+v, want blocked", r)
	}
	if n := hits.Load(); n != 1 {
		t.Errorf("server was reached %d times, want 1", n)
	}
}

func TestPrivateIsForbiddenByDefault(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := NewClient(Options{})
	t.Cleanup(c.Close)
	if r := c.Do(t.Context(), targetOf(s.URL), "k", nil); r.Error != dispatchapy.ErrorBlocked {
		t.Errorf("result = %+v, want blocked", r)
	}
}
