// Package suggest guesses what people are likely to want, so that they correct
// instead of writing: where the keys of a resource come from, the path of an
// endpoint, names. Everything is a pure function of what is known.
package suggest

import (
	"encoding/json"
	"slices"
	"strings"

	"dispatchapy"
)

// meanings are names that mean the same. The first one that a target key and a
// source key share decides. They are written as plain compares them.
var meanings = [][]string{
	{"phone", "phonenumber", "msisdn", "mobile", "mobilenumber", "cell", "cellphone", "tel", "telephone", "number", "sms", "whatsapp", "wa", "to", "recipient", "destination", "dest", "receiver", "target", "chatid", "hp", "nohp", "nomor", "nomorhp", "telepon", "notelp", "tujuan", "penerima"},
	{"email", "mail", "emailaddress", "mailto", "to", "recipient", "destination", "address", "surel", "penerima", "tujuan"},
	{"message", "text", "body", "content", "msg", "messagetext", "textbody", "sms", "payload", "description", "detail", "details", "caption", "pesan", "isi", "teks", "isipesan"},
	{"subject", "title", "heading", "headline", "summary", "judul", "subjek", "perihal"},
	{"ref", "reference", "referenceid", "clientref", "externalid", "correlationid", "orderid", "invoice", "invoiceid", "trackingid", "id", "messageid", "referensi"},
	{"scope", "environment", "env", "category", "tag", "lingkungan", "kategori"},
	{"priority", "prio", "severity", "level", "urgency", "importance", "prioritas"},
	{"from", "sender", "senderid", "source", "originator", "fromnumber", "pengirim"},
	{"name", "fullname", "customer", "customername", "username", "nama"},
	{"amount", "total", "sum", "price", "value", "jumlah", "nominal", "harga"},
	{"currency", "currencycode", "matauang"},
	{"url", "link", "href", "tautan"},
	{"lang", "language", "locale", "bahasa"},
	{"template", "templateid", "templatename"},
}

// unique are target keys that want a value of their own for every task, and
// moment those that want the time.
var (
	unique = []string{"idempotencykey", "idempotency", "idem", "requestid", "uuid", "guid", "nonce", "deduplicationid", "dedupid", "transactionid"}
	moment = []string{"timestamp", "datetime", "time", "sentat", "createdat", "occurredat", "waktu"}
)

// Mapping suggests a source for each of a resource's keys, from the keys of an
// incoming message, dotted where they nest. examples are values of the
// resource's keys out of its documentation: what no key of the message fits
// gets its example as a constant. Keys for which nothing can be said are
// absent.
func Mapping(targets, sources []string, examples map[string]json.RawMessage) dispatchapy.Mapping {
	mapping := dispatchapy.Mapping{}
	used := map[string]bool{}
	for _, find := range []func(target, source string) bool{same, sameLast, alike} {
		for _, target := range targets {
			if _, done := mapping[target]; done {
				continue
			}
			at := slices.IndexFunc(sources, func(source string) bool { return !used[source] && find(target, source) })
			if at >= 0 {
				mapping[target] = dispatchapy.Source{From: sources[at]}
				used[sources[at]] = true
			}
		}
	}
	for _, target := range targets {
		if _, done := mapping[target]; done {
			continue
		}
		if source, ok := made(target, examples[target]); ok {
			mapping[target] = source
		}
	}
	return mapping
}

// same compares whole names, and sameLast the last parts of nested ones.
func same(target, source string) bool     { return plain(target) == plain(source) }
func sameLast(target, source string) bool { return plain(last(target)) == plain(last(source)) }

// alike compares what names mean.
func alike(target, source string) bool {
	t, s := plain(last(target)), plain(last(source))
	if slices.Contains(unique, t) {
		return false
	}
	return slices.ContainsFunc(meanings, func(names []string) bool { return slices.Contains(names, t) && slices.Contains(names, s) })
}

// made gives a source that needs no key of the message.
func made(target string, example json.RawMessage) (dispatchapy.Source, bool) {
	name := plain(last(target))
	switch {
	case slices.Contains(unique, name):
		return dispatchapy.Source{UUID: true}, true
	case slices.Contains(moment, name):
		return dispatchapy.Source{Now: true}, true
	case len(example) > 0:
		return dispatchapy.Source{Value: example}, true
	}
	return dispatchapy.Source{}, false
}

// last gives the last part of a nested key that is not only a place in a list.
func last(key string) string {
	parts := strings.Split(key, ".")
	for i := len(parts) - 1; i > 0; i-- {
		if strings.Trim(parts[i], "0123456789") != "" {
			return parts[i]
		}
	}
	return parts[0]
}

// plain writes a name without what styles of writing add to it: phone_number,
// phoneNumber and Phone-Number are the same.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > 0x7f:
			return r
		}
		return -1
	}, name)
}
