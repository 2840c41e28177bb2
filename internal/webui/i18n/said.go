package i18n

import (
	"cmp"
	"embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

//go:embed said/*.json
var saidFiles embed.FS

// pattern is a message of the domain with places for the values in it.
type pattern struct {
	form  *regexp.Regexp
	text  string // its translation, with {1}, {2}, …
	fixed int    // length of what is not a value: longer ones are tried first
}

// placeholder stands for a value in a message.
var placeholder = regexp.MustCompile(`\{\d\}`)

// loadSaid reads what the domain says, which is worded in English where it is
// found, with values in it: its translations go by the form of the sentence.
func (l *Language) loadSaid() {
	data, err := saidFiles.ReadFile("said/" + l.Code + ".json")
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(data, &l.said); err != nil {
		panic("i18n: said/" + l.Code + ".json: " + err.Error())
	}
	for key, text := range l.said {
		if !placeholder.MatchString(key) {
			continue
		}
		var form strings.Builder
		rest := key
		for {
			at := placeholder.FindStringIndex(rest)
			if at == nil {
				break
			}
			form.WriteString(regexp.QuoteMeta(rest[:at[0]]) + "(.+?)")
			rest = rest[at[1]:]
		}
		form.WriteString(regexp.QuoteMeta(rest))
		l.patterns = append(l.patterns, pattern{regexp.MustCompile(`(?s)^` + form.String() + `$`), text, len(placeholder.ReplaceAllString(key, ""))})
	}
	slices.SortFunc(l.patterns, func(a, b pattern) int { return cmp.Or(b.fixed-a.fixed, strings.Compare(a.text, b.text)) })
}

// Said gives what the domain says, an error or a reason, in the language; as it
// is where there is no translation.
func (l *Language) Said(text string) string {
	if translated, known := l.said[text]; known {
		return translated
	}
	for _, p := range l.patterns {
		values := p.form.FindStringSubmatch(text)
		if values == nil {
			continue
		}
		return placeholder.ReplaceAllStringFunc(p.text, func(place string) string {
			n := int(place[1] - '0')
			switch {
			case n >= len(values):
				return place
			case n == len(values)-1 && strings.HasSuffix(text, values[n]):
				return l.Said(values[n]) // what comes last is often a reason, worded elsewhere
			}
			return cmp.Or(l.said[values[n]], values[n])
		})
	}
	return text
}

// KnowsSaid reports whether there is a translation of a message's form, in
// which {1}, {2}, … stand for values.
func (l *Language) KnowsSaid(form string) bool {
	_, known := l.said[form]
	return known || l.said == nil
}

// SaidForms lists the forms that are translated.
func (l *Language) SaidForms() []string {
	forms := make([]string, 0, len(l.said))
	for form := range l.said {
		forms = append(forms, form)
	}
	return forms
}
