package suggest

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// paths are names of endpoints by what a message to them has.
var paths = []struct {
	path  string
	means []string // one of them is there
	with  []string // and, if there are any, one of these
}{
	{"send_sms", meanings[0][:13], meanings[2]},
	{"send_email", meanings[1][:4], nil},
	{"payments", meanings[9], meanings[10]},
	{"orders", []string{"orderid", "order", "ordernumber", "items"}, nil},
	{"send_alert", []string{"severity", "alert", "alertname", "level", "priority"}, nil},
	{"send_message", meanings[2], nil},
}

// Path suggests the path of an endpoint that takes messages with these keys. It
// is none of those taken.
func Path(keys []string, taken func(path string) bool) string {
	plainKeys := make([]string, len(keys))
	for i, key := range keys {
		plainKeys[i] = plain(last(key))
	}
	has := func(names []string) bool {
		return slices.ContainsFunc(plainKeys, func(key string) bool { return slices.Contains(names, key) })
	}
	for _, p := range paths {
		if has(p.means) && (p.with == nil || has(p.with)) {
			return free(p.path, "_", taken)
		}
	}
	return free("messages", "_", taken)
}

// Name suggests a name for what is at an address. It is none of those taken.
func Name(address string, taken func(name string) bool) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return free("Provider", " ", taken)
	}
	host := strings.ToLower(u.Hostname())
	if net.ParseIP(host) != nil {
		return free(host, " ", taken)
	}
	parts := strings.Split(host, ".")
	parts = slices.DeleteFunc(parts, func(part string) bool { return slices.Contains(unspecific, part) })
	if len(parts) == 0 {
		return free(host, " ", taken)
	}
	// What stands before the ending is mostly the company's name.
	name := parts[max(0, len(parts)-2)]
	if len(name) <= 3 && len(parts) > 2 { // co.uk and the like
		name = parts[len(parts)-3]
	}
	return free(strings.ToUpper(name[:1])+name[1:], " ", taken)
}

// unspecific are parts of host names that say nothing.
var unspecific = []string{"", "api", "www", "rest", "gateway", "v1", "v2"}

// free gives the first of name, name-2, name-3 ... that is not taken.
func free(name, separator string, taken func(string) bool) string {
	if !taken(name) {
		return name
	}
	for n := 2; ; n++ {
		if numbered := name + separator + strconv.Itoa(n); !taken(numbered) {
			return numbered
		}
	}
}
