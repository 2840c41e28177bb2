package apidocs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// exampleRef is the ref of all examples.
const exampleRef = "order-1042"

// parameter is a key that an endpoint demands.
type parameter struct {
	name    string
	example any
	schema  object
}

// parametersOf gives the keys that an endpoint demands: ref, scope, and the
// others in the order of the configuration.
func parametersOf(e *dispatchapy.Endpoint) []parameter {
	inside := pathsInside(e)
	out := make([]parameter, 0, len(e.RequiredParams))
	for _, name := range e.RequiredParams {
		out = append(out, parameterOf(name, inside[name]))
	}
	return out
}

// parameterOf describes one key; inside are the paths that mappings read
// within its value.
func parameterOf(name string, inside [][]string) parameter {
	switch name {
	case "ref":
		return identifier(name, exampleRef, "Your own name for the message; tasks can be found by it.")
	case "scope":
		return identifier(name, "prod", "What the message belongs to, such as an environment or a shop of yours.")
	}
	if len(inside) > 0 {
		example := exampleInside(name, inside)
		return parameter{name: name, example: example, schema: object{{"examples", []any{example}}}}
	}
	k := kindOf(name)
	schema := object{{"examples", []any{k.example}}}
	if k.text {
		schema = append(object{{"type", "string"}}, schema...)
	}
	return parameter{name: name, example: k.example, schema: schema}
}

// identifier describes ref or scope: a text or a number, not empty.
func identifier(name, example, description string) parameter {
	return parameter{name: name, example: example, schema: object{
		{"type", []any{"string", "number"}},
		{"minLength", 1},
		{"description", description},
		{"examples", []any{example}},
	}}
}

// Example gives a message that the intake accepts at an endpoint, as indented
// JSON.
func Example(endpoint *routing.Endpoint) []byte {
	return indentedJSON.append(nil, exampleMessage(parametersOf(endpoint.Endpoint)), 0)
}

// exampleMessage is a message that the intake accepts.
func exampleMessage(parameters []parameter) object {
	message := make(object, len(parameters))
	for i, p := range parameters {
		message[i] = member{p.name, p.example}
	}
	return message
}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]+?)\s*\}\}`)

// pathsInside gives, by demanded key, the dotted paths that the endpoint's
// mappings read inside its value, sorted. They are keys of the sender's own
// payload; nothing of the resources is in them.
func pathsInside(e *dispatchapy.Endpoint) map[string][][]string {
	var sources []string
	for _, mapping := range e.Mapping {
		for _, source := range mapping {
			if source.From != "" {
				sources = append(sources, source.From)
			}
			for _, match := range placeholder.FindAllStringSubmatch(source.Template, -1) {
				sources = append(sources, match[1])
			}
		}
	}
	slices.Sort(sources)
	out := map[string][][]string{}
	for _, source := range slices.Compact(sources) {
		if slices.Contains(e.RequiredParams, source) {
			continue // a key with a dot in it
		}
		if key, rest, deep := strings.Cut(source, "."); deep && slices.Contains(e.RequiredParams, key) {
			out[key] = append(out[key], strings.Split(rest, "."))
		}
	}
	return out
}

// exampleInside builds a value of objects that has something at every path.
// Where all keys at a place are indexes it is a list, of one item that has
// everything: that shows the form, and an index may be large.
func exampleInside(name string, paths [][]string) any {
	if len(paths) == 0 || len(paths[0]) == 0 {
		return kindOf(name).example
	}
	var keys []string
	below := map[string][][]string{}
	for _, path := range paths {
		key := path[0]
		if below[key] == nil {
			keys = append(keys, key)
		}
		below[key] = append(below[key], path[1:])
	}
	if !slices.ContainsFunc(keys, isNoIndex) {
		var all [][]string
		for _, key := range keys {
			all = append(all, below[key]...)
		}
		return []any{exampleInside(name, withoutShort(all))}
	}
	out := make(object, len(keys))
	for i, key := range keys {
		out[i] = member{key, exampleInside(key, withoutShort(below[key]))}
	}
	return out
}

// withoutShort leaves out the paths that end here, because others go deeper.
func withoutShort(paths [][]string) [][]string {
	return slices.DeleteFunc(paths, func(path []string) bool { return len(path) == 0 })
}

func isNoIndex(key string) bool {
	return key == "" || strings.ContainsFunc(key, func(r rune) bool { return r < '0' || r > '9' })
}

// kind is what a parameter seems to be, judged by its name. The gateway itself
// only asks whether a parameter is there, so a type is documented only where a
// sender would hardly use another one.
type kind struct {
	example any
	text    bool // documented as a string; otherwise any JSON is documented
	weak    bool // any other word of the name says more
}

// kinds lists the words of a name that say something.
var kinds = []struct {
	kind
	words string
}{
	{kind{example: "+12025550142"}, "phone phonenumber mobile msisdn tel telephone whatsapp fax"},
	{kind{example: "+12025550142", weak: true}, "to"},
	{kind{example: "customer@example.com", text: true}, "email emailaddress mail cc bcc"},
	{kind{example: 125.5}, "amount price total subtotal cost fee tax balance discount"},
	{kind{example: 2}, "count quantity qty size limit priority retries ttl age"},
	{kind{example: "https://example.com/orders/1042"}, "url uri link href website webhook callback redirect"},
	{kind{example: "2026-01-31"}, "date day birthday dob deadline expiry"},
	{kind{example: "2026-01-31T09:30:00Z"}, "time datetime timestamp when until since"},
	{kind{example: "2026-01-31T09:30:00Z", weak: true}, "at"},
	{kind{example: "1042"}, "id uuid key sku reference invoice"},
	{kind{example: "1042", weak: true}, "number no nr"},
	{kind{example: true}, "enabled active urgent flag confirmed silent"},
	{kind{example: true, weak: true}, "is has"},
	{kind{example: []any{"first", "second"}}, "ids items tags list labels recipients attachments values"},
	{kind{example: "Your order 1042 has been shipped", text: true}, "message text body content sms caption"},
	{kind{example: "Order 1042", text: true}, "subject title headline"},
	{kind{example: "493817"}, "code otp pin"},
	{kind{example: "Example name", text: true}, "name firstname lastname fullname username sender"},
	{kind{example: "USD", text: true}, "currency"},
	{kind{example: "US", text: true}, "country"},
	{kind{example: "en", text: true}, "language lang locale"},
	{kind{example: "shipped_v2"}, "template"},
	// Words that often stand for an object, with nothing known of what is in it.
	{kind{example: object{{"note", "any JSON"}}}, "data payload meta metadata params variables options context extra"},
}

var kindByWord = func() map[string]kind {
	out := map[string]kind{}
	for _, k := range kinds {
		for word := range strings.FieldsSeq(k.words) {
			if _, twice := out[word]; twice {
				panic(fmt.Sprintf("apidocs: %q is listed twice", word)) // a fault of the list above
			}
			out[word] = k.kind
		}
	}
	return out
}()

// kindOf judges a name by its last word that says something: an email_subject
// is a subject, a phoneNumber a phone.
func kindOf(name string) kind {
	found := kind{example: "example", text: true}
	hasWeak := false
	for _, word := range slices.Backward(wordsOf(name)) {
		k, known := kindByWord[word]
		if known && !k.weak {
			return k
		}
		if known && !hasWeak {
			found, hasWeak = k, true
		}
	}
	return found
}

// wordsOf splits a name at punctuation and before capitals, in small letters.
func wordsOf(name string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	wasLower := false
	for _, r := range name {
		isPart := unicode.IsLetter(r) || unicode.IsDigit(r)
		if !isPart || unicode.IsUpper(r) && wasLower {
			end()
		}
		if isPart {
			word.WriteRune(unicode.ToLower(r))
		}
		wasLower = unicode.IsLower(r)
	}
	end()
	return words
}
