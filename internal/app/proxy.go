package app

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks of reverse proxies that are believed whom they pass
// on.
type proxies []netip.Prefix

// resolve is a middleware that makes requests look as if there were no proxies
// in between: RemoteAddr is the client's (with port 0), Host the one that was
// asked for, and TLS is set where the client came by https. So nobody further
// in has to know of proxies. What others say in these headers is ignored.
func (p proxies) resolve(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !p.trust(peer.Addr()) {
			next.ServeHTTP(w, r)
			return
		}
		r = r.WithContext(r.Context()) // a copy
		client := p.client(peer.Addr(), r.Header.Values("X-Forwarded-For"))
		r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
		switch strings.ToLower(lastValue(r.Header.Values("X-Forwarded-Proto"))) {
		case "https":
			r.TLS = &tls.ConnectionState{}
		case "http":
			r.TLS = nil
		}
		if host := lastValue(r.Header.Values("X-Forwarded-Host")); isHost(host) {
			r.Host = host
		}
		next.ServeHTTP(w, r)
	})
}

func (p proxies) trust(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// client gives the address of whoever asked the first of the proxies. Each of
// them adds at the end whom it was asked by, so that the last one that is not
// trusted is it: whatever stands before it, that one may have made up. Where
// an entry cannot be read the proxy behind it stands for the client.
func (p proxies) client(peer netip.Addr, forwarded []string) netip.Addr {
	for _, line := range slices.Backward(forwarded) {
		for more := true; more && p.trust(peer); {
			var entry string
			line, entry, more = cutLast(line)
			addr, err := parseHop(entry)
			if err != nil {
				return peer
			}
			peer = addr
		}
	}
	return peer
}

// cutLast takes the last entry from a list with commas.
func cutLast(list string) (before, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	return list[:max(i, 0)], strings.TrimSpace(list[i+1:]), i >= 0
}

// parseHop reads an address; some proxies write it with a port, or an IPv6
// address in brackets.
func parseHop(entry string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"))
	if err != nil {
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(entry)
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone(""), err
}

// lastValue gives what the nearest proxy says; "" if nothing.
func lastValue(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	_, last, _ := cutLast(lines[len(lines)-1])
	return last
}

// maxHost is the length of the longest host that is believed, with its port.
const maxHost = 255 + len(":65535")

// isHost reports whether the text can be a host, maybe with a port. It gets
// into addresses that are shown to people.
func isHost(text string) bool {
	strange := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._:[]", r)
	}
	return text != "" && len(text) <= maxHost && !strings.ContainsFunc(text, strange)
}
