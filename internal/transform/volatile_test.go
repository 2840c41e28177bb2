package transform

import (
	"slices"
	"testing"
)

func TestVolatile(t *testing.T) {
	tests := []struct {
		spec string
		want []string
	}{
		{`{}`, nil},
		{`{"a":{"from":"x"},"b":{"value":1},"c":{"template":"{{x}}"}}`, nil},
		{`{"z":{"uuid":true},"a":{"now":true},"m":{"from":"x"}}`, []string{"a", "z"}},
		{`{"meta.id":{"uuid":true},"meta.text":{"from":"x"},"meta.sent.at":{"now":true}}`, []string{"meta.id", "meta.sent.at"}},
	}
	for _, tt := range tests {
		if got := compile(t, tt.spec).Volatile(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: volatile are %q, want %q", tt.spec, got, tt.want)
		}
	}
	if got := (*Mapping)(nil).Volatile(); got != nil {
		t.Errorf("without a mapping %q are volatile", got)
	}
}
