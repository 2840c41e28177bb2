package original

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dispatchapy"
)

// maxNote bounds a line of the report in bytes: names can be of any length.
const maxNote = 1000

// note reports something that was mended, in one line whatever stands in it.
func (r *reader) note(format string, args ...any) {
	r.notes = append(r.notes, clip(cleanLine(fmt.Sprintf(format, args...)), maxNote))
}

// cleanLine puts spaces in the place of control characters.
func cleanLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// tally reports what happened many times in one line: how often, and to which
// rows first.
type tally struct {
	kinds []string
	seen  map[string]*tallied
}

type tallied struct {
	count    int
	examples []int64
}

func newTally() *tally { return &tally{seen: map[string]*tallied{}} }

// add counts a row. id is 0 where a number would tell nobody anything.
func (t *tally) add(kind string, id int64) {
	const examples = 5
	s := t.seen[kind]
	if s == nil {
		s = &tallied{}
		t.seen[kind] = s
		t.kinds = append(t.kinds, kind)
	}
	s.count++
	if id != 0 && len(s.examples) < examples {
		s.examples = append(s.examples, id)
	}
}

func (t *tally) lines() []string {
	lines := make([]string, len(t.kinds))
	for i, kind := range t.kinds {
		s := t.seen[kind]
		lines[i] = fmt.Sprintf("%s: %d", kind, s.count)
		if len(s.examples) == 0 {
			continue
		}
		ids := make([]string, len(s.examples))
		for j, id := range s.examples {
			ids[j] = strconv.FormatInt(id, 10)
		}
		if s.count > len(ids) {
			ids = append(ids, "...")
		}
		lines[i] += " (number " + strings.Join(ids, ", ") + ")"
	}
	return lines
}

// cleanName makes a name that is allowed, otherwise if nothing is left of it.
func cleanName(raw, otherwise string) string {
	s := cleanLine(strings.ToValidUTF8(raw, "\uFFFD"))
	s = strings.TrimSpace(firstRunes(strings.TrimSpace(s), dispatchapy.MaxNameLength))
	if s == "" {
		return otherwise
	}
	return s
}

// isKey reports whether s can be the key of a payload in a configuration.
func isKey(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= dispatchapy.MaxNameLength && !strings.ContainsFunc(s, unicode.IsControl)
}

func firstRunes(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// unique makes a name different from all those used and counts it among them.
func unique(used map[string]bool, name, suffix string) string {
	free := name
	for n := 2; used[free]; n++ {
		end := fmt.Sprintf(suffix, n)
		free = firstRunes(name, dispatchapy.MaxNameLength-len(end)) + end
	}
	used[free] = true
	return free
}

// cleanPath makes a path that can be called, otherwise if nothing is left.
func cleanPath(raw, otherwise string) string {
	s := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._~/-", r) {
			return r
		}
		return '_'
	}, dispatchapy.CleanPath(raw))
	parts := strings.Split(s[:min(len(s), dispatchapy.MaxNameLength)], "/")
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" || part == "." || part == ".." })
	if len(parts) == 0 {
		return otherwise
	}
	return strings.Join(parts, "/")
}

// accepted asks the domain itself whether a configuration of this one resource
// would be valid, so that its rules are not written down here again.
func accepted(r dispatchapy.Resource) bool {
	r.Name = "x"
	if r.URL == "" {
		r.URL = "http://x"
	}
	c := dispatchapy.Config{Settings: dispatchapy.DefaultSettings(), Resources: []dispatchapy.Resource{r}}
	c.Normalize()
	return c.Validate() == nil
}

func isURL(s string) bool { return s != "" && accepted(dispatchapy.Resource{URL: s}) }

func isHeader(name, value string) bool {
	return accepted(dispatchapy.Resource{Headers: map[string]dispatchapy.Secret{name: dispatchapy.Secret(value)}})
}

func isAddress(s string) bool {
	return accepted(dispatchapy.Resource{Notify: &dispatchapy.Notify{Email: &dispatchapy.EmailNotice{To: []string{s}}}})
}

// clamp brings a number into a range and reports whether it was there.
func clamp(n, low, high int64) (int64, bool) {
	return max(low, min(n, high)), n >= low && n <= high
}
