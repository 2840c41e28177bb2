package transform

import (
	"strings"
	"testing"
	"time"
)

// A megabyte of placeholders took half a minute while each one's position was
// counted from the start.
func TestALongTemplateCompilesInLinearTime(t *testing.T) {
	begun := time.Now()
	compiled, err := parseTemplate(strings.Repeat("{{x}}", 200_000))
	if err != nil || compiled.placeholders != 200_000 {
		t.Fatalf("%d placeholders, error %v", compiled.placeholders, err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
