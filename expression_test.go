package dispatchapy

import (
	"regexp/syntax"
	"strings"
	"testing"
)

func TestTooLargeExpression(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                false,
		"^62":                             false,
		`^(\+?62|0)8[1-9][0-9]{6,11}$`:    false,
		`(?i)[a-z0-9._%+-]+@example\.com`: false,
		`\pL{1,50}`:                       false,
		"a{900}":                          true, // each with the step that counts it
		"a{400}":                          false,
		"(a{30}){33}":                     true,
		"(a{1,1000}|b)*":                  true,
		"(abcdefghij){1,}":                false,
		strings.Repeat("a", 1000):         false,
		strings.Repeat("a", 1001):         true,
		strings.Repeat("ab|", 300):        false,
		"(" + strings.Repeat("a", 100) + "){900}": true,
		"(62":                           false, // no expression
		"(" + strings.Repeat("a", 1000): true,  // nor this, but too long
	} {
		if got := TooLargeExpression(text); got != want {
			t.Errorf("%.40s: %t, want %t", text, got, want)
		}
	}
}

// FuzzTooLargeExpression compares with what compiling makes of an expression.
func FuzzTooLargeExpression(f *testing.F) {
	for _, seed := range []string{"(a{30}){33}", "((a|b){2,}c?){20}", "[^x]{3}$", "(?i)ß{5}", `\b\pL+`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if TooLargeExpression(text) {
			return
		}
		parsed, err := syntax.Parse(text, syntax.Perl)
		if err != nil {
			return
		}
		program, err := syntax.Compile(parsed.Simplify())
		if err == nil && len(program.Inst) > 4*MaxExpression {
			t.Errorf("%q has %d instructions", text, len(program.Inst))
		}
	})
}
