package transform

import (
	"strings"
	"testing"
)

func TestMapStrings(t *testing.T) {
	got, err := MapStrings([]byte(`{"a": "x", "b": [1.50, 12345678901234567890, true, null, {"x": "<x>"}], "x": {"y": ["x"]}}`), strings.ToUpper)
	if want := `{"a":"X","b":[1.50,12345678901234567890,true,null,{"x":"<X>"}],"x":{"y":["X"]}}`; err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	if _, err := MapStrings([]byte(`{"a":`), strings.ToUpper); err == nil {
		t.Error("what is no JSON was read")
	}
}
