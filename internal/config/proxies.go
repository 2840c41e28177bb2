package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// Proxies gives the networks of TrustedProxies.
func (o *Options) Proxies() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range o.TrustedProxies {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		network, err := parseNetwork(text)
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxies: %q is not an address like 10.0.0.7 or a network like 10.0.0.0/8", text)
		}
		if network.Bits() == 0 {
			return nil, fmt.Errorf("--trusted-proxies: %q is everybody, who could then pass for anybody: name the proxies", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// parseNetwork reads a network, or an address as a network of its own. An
// IPv4 address that is written as one of IPv6 is taken for what it is.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if addr := network.Addr(); addr.Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(addr.Unmap(), network.Bits()-96)
	}
	return network.Masked(), err
}
