package webui

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// query is what people ask a list of tasks for, in a little language:
//
//	status:failed endpoint:send_alert resource:"Primary SMS" since:1h "disk 91"
//
// A key may have several values, of which any may hold; all keys must. What has
// no key is text that is looked for in payloads and names, as it is written.
// There is one way to write each query (String), which is what addresses of
// pages and saved views hold.
type query struct {
	terms []term // one per key
	text  string
}

// term is a key with its values.
type term struct {
	key    string
	values []string
}

// queryKeys are the keys, in the order in which they are suggested.
var queryKeys = []string{"status", "endpoint", "resource", "client", "ref", "scope", "since", "until"}

// otherKeys are other words for them.
var otherKeys = map[string]string{"state": "status", "phase": "status", "from": "since", "to": "until"}

// maxQuery is how many bytes a query may have.
const maxQuery = 2000

// fault is what is wrong with a query: a text of the catalogue.
type fault struct {
	key  string
	args []any
}

// tr marks a text for the catalogue that is translated later.
func tr(key string) string { return key }

// parseQuery reads a query. What it cannot make sense of it leaves out and
// reports, the first fault first.
func parseQuery(text string) (query, []fault) {
	if len(text) > maxQuery {
		return query{}, []fault{{tr("The search must have at most {n} bytes."), []any{"n", maxQuery}}}
	}
	p := queryParser{rest: strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")}
	for p.skipSpace(); p.rest != ""; p.skipSpace() {
		p.term()
	}
	if len(p.quoted)+min(len(p.words), 1) > 1 {
		p.fail(tr("Only one text can be looked for: put all of it into one pair of quotation marks."))
	}
	p.query.text = strings.Join(append(p.quoted, p.words...), " ")
	return p.query, p.faults
}

type queryParser struct {
	rest   string
	query  query
	quoted []string // texts in quotation marks
	words  []string // text without
	faults []fault
}

func (p *queryParser) fail(key string, args ...any) {
	p.faults = append(p.faults, fault{key, args})
}

func (p *queryParser) skipSpace() { p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace) }

// term reads a key with its values, or text.
func (p *queryParser) term() {
	name, after, found := strings.Cut(p.rest, ":")
	if !found || !isKey(name) {
		p.textPart()
		return
	}
	p.rest = after
	values := p.values()
	key := strings.ToLower(name)
	if other, known := otherKeys[key]; known {
		key = other
	}
	switch {
	case !slices.Contains(queryKeys, key):
		p.fail(tr("There is no key “{key}”. Keys are {keys}. Text with a colon needs quotation marks."), "key", name, "keys", strings.Join(queryKeys, ", "))
	case len(values) == 0:
		p.fail(tr("“{key}:” needs a value right behind the colon."), "key", key)
	default:
		p.query.add(key, values)
	}
}

// isKey reports whether something before a colon is meant as a key.
func isKey(name string) bool {
	other := func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' }
	return name != "" && !strings.ContainsFunc(name, other)
}

// textPart reads a word or a text in quotation marks.
func (p *queryParser) textPart() {
	if strings.HasPrefix(p.rest, `"`) {
		if text := p.quotedText(); text != "" {
			p.quoted = append(p.quoted, text)
		}
		return
	}
	p.words = append(p.words, p.until(unicode.IsSpace))
}

// values reads values with commas between them.
func (p *queryParser) values() (values []string) {
	ends := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	for {
		var value string
		if strings.HasPrefix(p.rest, `"`) {
			value = p.quotedText()
		}
		if value += p.until(ends); value != "" {
			values = append(values, value)
		}
		if !strings.HasPrefix(p.rest, ",") {
			return values
		}
		p.rest = p.rest[1:]
	}
}

// until takes everything before the first rune that ends it.
func (p *queryParser) until(ends func(rune) bool) string {
	end := strings.IndexFunc(p.rest, ends)
	if end < 0 {
		end = len(p.rest)
	}
	var taken string
	taken, p.rest = p.rest[:end], p.rest[end:]
	return taken
}

// quotedText reads a text in quotation marks, in which a backslash makes the
// next rune an ordinary one.
func (p *queryParser) quotedText() string {
	var out strings.Builder
	escaped := false
	for i, r := range p.rest[1:] {
		switch {
		case escaped:
			out.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '"':
			p.rest = p.rest[1+i+1:]
			return out.String()
		default:
			out.WriteRune(r)
		}
	}
	p.fail(tr("A quotation mark is not closed."))
	p.rest = ""
	return out.String()
}

// add adds values to those of a key.
func (q *query) add(key string, values []string) {
	for i := range q.terms {
		if q.terms[i].key == key {
			q.terms[i].values = appendNew(q.terms[i].values, values)
			return
		}
	}
	q.terms = append(q.terms, term{key, appendNew(nil, values)})
}

func appendNew(list, values []string) []string {
	for _, v := range values {
		if !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// values gives those of a key.
func (q query) values(key string) []string {
	for _, t := range q.terms {
		if t.key == key {
			return t.values
		}
	}
	return nil
}

// value gives the only value of a key; "" if there is none, or several.
func (q query) value(key string) string {
	if values := q.values(key); len(values) == 1 {
		return values[0]
	}
	return ""
}

// with gives the query with other values of a key; without any, none is asked
// for. The key keeps its place.
func (q query) with(key string, values ...string) query {
	out := query{text: q.text}
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
	placed := len(values) == 0
	for _, t := range q.terms {
		if t.key != key {
			out.terms = append(out.terms, t)
			continue
		}
		if !placed {
			out.terms, placed = append(out.terms, term{key, appendNew(nil, values)}), true
		}
	}
	if !placed {
		out.terms = append(out.terms, term{key, appendNew(nil, values)})
	}
	return out
}

// Empty reports whether everything is asked for.
func (q query) Empty() bool { return len(q.terms) == 0 && q.text == "" }

// String writes the query as it is read.
func (q query) String() string {
	var parts []string
	for _, t := range q.terms {
		values := make([]string, len(t.values))
		for i, v := range t.values {
			values[i] = quotedWhere(v, func(r rune) bool { return r == ',' || r == '"' || unicode.IsSpace(r) })
		}
		parts = append(parts, t.key+":"+strings.Join(values, ","))
	}
	if q.text != "" {
		parts = append(parts, q.writtenText())
	}
	return strings.Join(parts, " ")
}

// writtenText gives the text without quotation marks where it is read back as
// it is.
func (q query) writtenText() string {
	for _, word := range strings.Split(q.text, " ") {
		name, _, colon := strings.Cut(word, ":")
		if word == "" || word[0] == '"' || colon && isKey(name) || strings.ContainsFunc(word, unicode.IsSpace) {
			return quotedWhere(q.text, func(rune) bool { return true })
		}
	}
	return q.text
}

// quotedWhere puts a text into quotation marks if a rune of it needs them.
func quotedWhere(text string, needs func(rune) bool) string {
	if !strings.ContainsFunc(text, needs) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// cutRunes shortens a text to so many runes.
func cutRunes(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
