package dispatchapy

import "regexp/syntax"

// MaxExpression bounds a rule's regular expression: its bytes, and the steps of
// which it consists once repetitions are written out. (a{100}){10} has eleven
// characters and 1,000 steps, each of which costs memory as long as the
// configuration is in force, and time for every byte of every message.
const MaxExpression = 1000

// TooLargeExpression reports whether a rule's text is too large to be used as
// a regular expression. What is none is searched as plain text and never too
// large, unless it is too long.
func TooLargeExpression(text string) bool {
	if len(text) > MaxExpression {
		return true
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	return err == nil && steps(parsed) > MaxExpression
}

// steps counts the steps of an expression. The parser sees to it that
// repetitions, multiplied with each other, are not more than 1,000.
func steps(re *syntax.Regexp) int {
	count := max(len(re.Rune), 1)
	if re.Op == syntax.OpCharClass {
		count = 1
	}
	for _, sub := range re.Sub {
		count += steps(sub)
	}
	if re.Op == syntax.OpRepeat {
		count *= max(re.Min, re.Max, 1)
	}
	return count
}
