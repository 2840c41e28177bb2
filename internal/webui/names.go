package webui

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// usualPaths are names of endpoints by what a message to them has: names of
// each group.
var usualPaths = []struct {
	path string
	has  [][]string
}{
	{"send_email", [][]string{senses[0]}},
	{"send_sms", [][]string{senses[1], senses[2]}},
	{"payments", [][]string{senses[7]}},
	{"orders", [][]string{strings.Fields("order orderid ordernumber items")}},
	{"send_alert", [][]string{strings.Fields("severity alert alertname level priority")}},
	{"send_message", [][]string{senses[2]}},
}

// suggestPath gives a name for an endpoint that takes messages with these keys,
// one that is not taken.
func suggestPath(keys []string, taken func(path string) bool) string {
	var found []string
	for _, key := range keys {
		found = append(append(found, nameWords(lastPart(key))...), plainName(lastPart(key)))
	}
	for _, usual := range usualPaths {
		missing := slices.ContainsFunc(usual.has, func(names []string) bool {
			return !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(found, name) })
		})
		if !missing {
			return freeName(usual.path, "_", taken)
		}
	}
	return freeName("messages", "_", taken)
}

// unspecific are parts of host names that say nothing.
var unspecific = strings.Fields("api www rest gateway v1 v2")

// suggestName gives a name for what is at an address, one that is not taken.
func suggestName(address string, taken func(name string) bool) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return freeName("Provider", " ", taken)
	}
	host := strings.ToLower(u.Hostname())
	parts := slices.DeleteFunc(strings.Split(host, "."), func(part string) bool { return part == "" || slices.Contains(unspecific, part) })
	if net.ParseIP(host) != nil || len(parts) == 0 {
		return freeName(host, " ", taken)
	}
	// What stands before the ending is mostly the company's name.
	name := parts[max(0, len(parts)-2)]
	if len(name) <= 3 && len(parts) > 2 { // co.uk and the like
		name = parts[len(parts)-3]
	}
	first, size := utf8.DecodeRuneInString(name)
	return freeName(string(unicode.ToUpper(first))+name[size:], " ", taken)
}

// freeName gives the first of name, name-2, name-3 ... that is not taken.
func freeName(name, separator string, taken func(string) bool) string {
	if !taken(name) {
		return name
	}
	for n := 2; ; n++ {
		if numbered := name + separator + strconv.Itoa(n); !taken(numbered) {
			return numbered
		}
	}
}
