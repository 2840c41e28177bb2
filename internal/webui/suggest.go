package webui

import (
	"slices"
	"strings"
	"unicode"

	"dispatchapy"
)

// suggest gives for the keys that a resource requires where their values
// probably come from: of the paths of an example payload, judged by name. A key
// of which nothing is known is left out. It is a proposal that people look at,
// so that it rather says too little.
func suggest(required, paths []string) dispatchapy.Mapping {
	out := dispatchapy.Mapping{}
	used := map[string]bool{}
	take := func(find func(key string) string) {
		for _, key := range required {
			if _, done := out[key]; done {
				continue
			}
			if path := find(key); path != "" {
				out[key], used[path] = dispatchapy.Source{From: path}, true
			}
		}
	}
	// What has the same name goes before what only means the same.
	take(func(key string) string { return byWords(key, paths) })
	take(func(key string) string { return bySense(key, paths, used) })
	for _, key := range required {
		if _, done := out[key]; !done {
			if source, known := ofItself(key); known {
				out[key] = source
			}
		}
	}
	return out
}

// senses are groups of names that people give to the same thing, in English and
// Indonesian. A name belongs to the first group that has one of its words.
var senses = [][]string{
	strings.Fields("email mail emailaddress surel"),
	strings.Fields("phone msisdn mobile tel telephone telepon whatsapp wa hp handphone nomor phonenumber to recipient receiver destination dest target number tujuan penerima chatid chat"),
	strings.Fields("message text body content msg sms caption pesan isi teks"),
	strings.Fields("subject title headline judul subjek perihal"),
	strings.Fields("ref reference externalid orderid invoice trx transaction refid referensi"),
	strings.Fields("scope environment env"),
	strings.Fields("name fullname customername nama"),
	strings.Fields("amount total price nominal jumlah harga"),
	strings.Fields("url link href tautan"),
	strings.Fields("sender from pengirim"),
}

// own are names of what the gateway itself can give.
var (
	ownUUID = strings.Fields("uuid guid nonce idem idempotency idempotencykey requestid messageid id")
	ownTime = strings.Fields("timestamp time datetime sentat createdat date")
)

// byWords finds a path with the same words, whatever stands between them:
// phone_number is phoneNumber. Top-level keys come first.
func byWords(key string, paths []string) string {
	wanted := plainName(lastPart(key))
	nested := ""
	for _, path := range paths {
		if plainName(lastPart(path)) != wanted {
			continue
		}
		if !strings.Contains(path, ".") {
			return path
		}
		if nested == "" {
			nested = path
		}
	}
	return nested
}

// bySense finds a path of the same group of names, one that is not used yet if
// there is such.
func bySense(key string, paths []string, used map[string]bool) string {
	sense := senseOf(key)
	if sense < 0 {
		return ""
	}
	again := ""
	for _, path := range paths {
		switch {
		case senseOf(path) != sense:
		case !used[path]:
			return path
		case again == "":
			again = path
		}
	}
	return again
}

func senseOf(path string) int {
	words := append(nameWords(lastPart(path)), plainName(lastPart(path)))
	return slices.IndexFunc(senses, func(group []string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return slices.Contains(group, word) })
	})
}

func ofItself(key string) (dispatchapy.Source, bool) {
	name := plainName(lastPart(key))
	switch {
	case slices.Contains(ownUUID, name):
		return dispatchapy.Source{UUID: true}, true
	case slices.Contains(ownTime, name):
		return dispatchapy.Source{Now: true}, true
	}
	return dispatchapy.Source{}, false
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func plainName(name string) string { return strings.Join(nameWords(name), "") }

// nameWords splits a name at punctuation and before capitals, in small letters.
func nameWords(name string) []string {
	var out strings.Builder
	wasLower := false
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.IsUpper(r) && wasLower {
			out.WriteByte(' ')
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out.WriteRune(unicode.ToLower(r))
		}
		wasLower = unicode.IsLower(r)
	}
	return strings.Fields(out.String())
}
