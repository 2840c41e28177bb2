// Package i18n holds the words of the pages. A text is its own key: the
// templates are written in English, and the catalogue of a language (one file
// per page under its code) translates what it knows. What it does not know is
// shown in English, and found by a test.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed id/*.json
var embedded embed.FS

// Language is a language in which pages are shown.
type Language struct {
	Code string // of BCP 47, for the lang attribute
	Name string // in itself

	texts     map[string]string // nil: English
	said      map[string]string // by the form of a message
	patterns  []pattern
	group     string // between thousands
	point     string // before fractions
	singulars bool   // it tells one from many
}

// English is the language of the keys.
var English = &Language{Code: "en", Name: "English", group: ",", point: ".", singulars: true}

// Languages lists all languages, English first.
var Languages = []*Language{English, load("id", "Bahasa Indonesia", ".", ",")}

// Pseudo is English made longer and accented, to see whether pages have room
// and every text goes through the catalogue. It cannot be chosen.
var Pseudo = &Language{Code: "en-XA", Name: "Pseudo", group: ",", point: ".", singulars: true}

func load(code, name, group, point string) *Language {
	l := &Language{Code: code, Name: name, texts: map[string]string{}, group: group, point: point}
	files, err := fs.Glob(embedded, code+"/*.json")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		data, err := embedded.ReadFile(file)
		if err != nil {
			panic(err)
		}
		var texts map[string]string
		if err := json.Unmarshal(data, &texts); err != nil {
			panic(fmt.Sprintf("i18n: %s: %v", file, err))
		}
		for key, text := range texts {
			if other, known := l.texts[key]; known && other != text {
				panic(fmt.Sprintf("i18n: %s: %q has two translations", file, key))
			}
			l.texts[key] = text
		}
	}
	l.loadSaid()
	return l
}

// For gives the language with a code, or nil.
func For(code string) *Language {
	for _, l := range Languages {
		if l.Code == code {
			return l
		}
	}
	if code == Pseudo.Code {
		return Pseudo
	}
	return nil
}

// Accepted gives the first known language of an Accept-Language header, in the
// header's order; English if there is none.
func Accepted(header string) *Language {
	for part := range strings.SplitSeq(header, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		base, _, _ := strings.Cut(tag, "-")
		for _, l := range Languages {
			if strings.EqualFold(base, l.Code) {
				return l
			}
		}
	}
	return English
}

// Knows reports whether the catalogue has the key.
func (l *Language) Knows(key string) bool {
	_, known := l.texts[key]
	return known || l.texts == nil
}

// Keys lists the keys of the catalogue.
func (l *Language) Keys() []string {
	keys := make([]string, 0, len(l.texts))
	for key := range l.texts {
		keys = append(keys, key)
	}
	return keys
}

// T gives the text for a key, with {name} replaced by the value that follows
// "name" in args: T("Release {n} tasks", "n", 14).
func (l *Language) T(key string, args ...any) string {
	return fill(l.lookUp(key), args)
}

// N is T for a text about a number of things: one is the key for 1, many, which
// is the key of the catalogue, for all others. {n} is the number.
func (l *Language) N(one, many string, n int, args ...any) string {
	text := l.lookUp(many)
	if n == 1 && l.singulars {
		text = l.lookUp(one)
	}
	return fill(text, append(args, "n", l.Number(int64(n))))
}

func (l *Language) lookUp(key string) string {
	if l == Pseudo {
		return stretch(key)
	}
	if text, known := l.texts[key]; known {
		return text
	}
	return key
}

func fill(text string, args []any) string {
	if len(args) == 0 || !strings.Contains(text, "{") {
		return text
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+fmt.Sprint(args[i])+"}", fmt.Sprint(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Number writes a whole number with its thousands apart.
func (l *Language) Number(n int64) string {
	digits := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteString(l.group)
		}
		out.WriteRune(d)
	}
	return sign + out.String()
}

// Decimal writes a number with a fixed count of digits after the point.
func (l *Language) Decimal(f float64, digits int) string {
	whole, fraction, _ := strings.Cut(fmt.Sprintf("%.*f", digits, f), ".")
	if fraction == "" {
		return whole
	}
	return whole + l.point + fraction
}

var accents = strings.NewReplacer("a", "á", "e", "é", "i", "í", "o", "ö", "u", "ü", "A", "Å", "E", "É", "O", "Ö", "U", "Ü", "n", "ñ", "c", "ç")

// stretch makes a text two fifths longer and leaves its placeholders alone.
func stretch(text string) string {
	var out strings.Builder
	rest := text
	for {
		before, after, found := strings.Cut(rest, "{")
		out.WriteString(accents.Replace(before))
		if !found {
			break
		}
		name, tail, _ := strings.Cut(after, "}")
		out.WriteString("{" + name + "}")
		rest = tail
	}
	more := strings.Repeat("······· ", len([]rune(text))/20+1) // words, where lines can break
	return "[" + out.String() + string([]rune(more)[:len([]rune(text))*2/5]) + "]"
}
