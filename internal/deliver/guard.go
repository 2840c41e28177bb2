package deliver

import (
	"fmt"
	"net/netip"
	"slices"

	"code.dny.dev/ssrf"
)

// guard decides which addresses may be reached. It judges the resolved address
// at the moment of the dial, so that no name and no redirect gets around it.
//
// Failure policy: fail closed. What is not understood is refused, because the
// gateway stands inside a network and takes URLs from people.
type guard struct {
	allowPrivate func() bool
	public       *ssrf.Guardian // permits addresses of the public internet only
}

func newGuard(allowPrivate func() bool) *guard {
	return &guard{
		allowPrivate: allowPrivate,
		public:       ssrf.New(ssrf.WithAnyNetwork(), ssrf.WithAnyPort(), ssrf.WithAllowedV6Prefixes(ssrf.IPv6NAT64Prefix)),
	}
}

// blockedError says that the guard refused an address. Its text is for people.
type blockedError struct{ reason string }

func (e *blockedError) Error() string { return e.reason }

// never lists what is refused whatever the settings say: link-local networks,
// where the clouds keep their metadata services, the metadata addresses that
// lie elsewhere, and what is no host at all.
var never = prefixes(
	"0.0.0.0/8",          // "this" network; 0.0.0.0 connects to the local host
	"169.254.0.0/16",     // link-local; metadata of most clouds
	"100.100.100.200/32", // metadata, Alibaba Cloud
	"168.63.129.16/32",   // platform services, Azure
	"192.0.0.192/32",     // metadata, Oracle Cloud
	"224.0.0.0/4",        // multicast
	"255.255.255.255/32", // broadcast
	"::/128",             // unspecified; connects to the local host
	"fe80::/10",          // link-local
	"fec0::/10",          // site-local, its predecessor
	"ff00::/8",           // multicast
	"fd00:ec2::/32",      // metadata, AWS
	"fd20:ce::/32",       // metadata, Google Cloud
	"fd00:42::42/128",    // metadata, Scaleway
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// check judges an address. private says that it may be used only as long as
// private addresses are allowed.
func (g *guard) check(addr netip.Addr) (private bool, err error) {
	addr = addr.WithZone("").Unmap() // a prefix never contains an address with a zone
	for _, a := range append(embedded(addr), addr) {
		if contains(never, a) {
			return false, &blockedError{fmt.Sprintf("address %s is never contacted: "+
				"it is link-local, multicast, unspecified or a cloud's metadata service", addr)}
		}
		private = private || g.public.SafeAddr(a) != nil
	}
	if private {
		return true, g.mayUsePrivate(addr)
	}
	return false, nil
}

// mayUsePrivate reads the setting.
func (g *guard) mayUsePrivate(addr netip.Addr) error {
	if g.allowPrivate() {
		return nil
	}
	return &blockedError{fmt.Sprintf("address %s is not public: "+
		"the setting outbound.allow_private must be on to reach it", addr)}
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// IPv6 networks whose addresses carry an IPv4 address that a gateway on the way
// may unpack.
var (
	compatible = netip.MustParsePrefix("::/96")          // RFC 4291, deprecated
	nat64      = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215
	sixToFour  = netip.MustParsePrefix("2002::/16")      // RFC 3056
	teredo     = netip.MustParsePrefix("2001::/32")      // RFC 4380
)

// embedded gives the IPv4 addresses that may be hidden in an IPv6 address.
func embedded(addr netip.Addr) []netip.Addr {
	if !addr.Is6() {
		return nil
	}
	b := addr.As16()
	low := v4(b[12], b[13], b[14], b[15])
	switch {
	case nat64.Contains(addr):
		return []netip.Addr{low}
	case compatible.Contains(addr) && !addr.IsLoopback():
		return []netip.Addr{low}
	case nat64Local.Contains(addr):
		// The operator chooses where below /48 the IPv4 address stands. These
		// are the places of RFC 6052 for a /48, /56, /64 and /96; at the wrong
		// ones there are mostly zeros, which say nothing.
		places := []netip.Addr{
			v4(b[6], b[7], b[9], b[10]), v4(b[7], b[9], b[10], b[11]), v4(b[9], b[10], b[11], b[12]), low,
		}
		return slices.DeleteFunc(places, func(a netip.Addr) bool { return a.As4()[0] == 0 })
	case sixToFour.Contains(addr):
		return []netip.Addr{v4(b[2], b[3], b[4], b[5])}
	case teredo.Contains(addr):
		return []netip.Addr{v4(b[4], b[5], b[6], b[7]), v4(^b[12], ^b[13], ^b[14], ^b[15])}
	case b[10] == 0x5e && b[11] == 0xfe && b[9] == 0 && b[8]&^2 == 0: // ISATAP, RFC 5214
		return []netip.Addr{low}
	}
	return nil
}

func v4(a, b, c, d byte) netip.Addr { return netip.AddrFrom4([4]byte{a, b, c, d}) }
