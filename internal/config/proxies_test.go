package config_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"dispatchapy/internal/config"
)

func TestProxies(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.7":            "10.0.0.7/32",
		"10.1.2.3/8":          "10.0.0.0/8",
		"::1":                 "::1/128",
		"fe80::1%eth0":        "fe80::1/128",
		"2001:db8::5/32":      "2001:db8::/32",
		"::ffff:10.0.0.7":     "10.0.0.7/32",
		"::ffff:10.1.2.3/104": "10.0.0.0/8",
	} {
		o := config.Options{TrustedProxies: []string{" " + text, ""}}
		if got, err := o.Proxies(); err != nil || !slices.Equal(got, []netip.Prefix{netip.MustParsePrefix(want)}) {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"proxy", "10.0.0", "10.0.0.0/33", "10.0.0.7:80", "0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"} {
		o := config.Options{TrustedProxies: []string{"10.0.0.7", text}}
		if got, err := o.Proxies(); err == nil || !strings.HasPrefix(err.Error(), "--trusted-proxies: ") {
			t.Errorf("%q: %v, %v, want an error that names the flag", text, got, err)
		}
	}
}
