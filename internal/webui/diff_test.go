package webui

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// What others nest deeply is not made readable at any price: indented, this
// answer of a resource has 128 MB.
func TestDeepJSONIsNotIndented(t *testing.T) {
	deep := strings.Repeat("[", 8000) + strings.Repeat("]", 8000)
	if got := jsonText([]byte(deep)); got != deep {
		t.Errorf("%d bytes became %d", len(deep), len(got))
	}
	if got := jsonText(map[string]any{"answer": json.RawMessage(deep)}); len(got) > 2*len(deep) {
		t.Errorf("%d bytes became %d within a value", len(deep), len(got))
	}
}

func TestIndentSize(t *testing.T) {
	for _, text := range []string{
		`{"a":[1,2,{"b":"c"}],"d":{"e":null}}`,
		`{"quoted \" [ { , ] } \\":"[[[\\"}`,
		`[[[[["deep"]]]]]`,
		`7`,
	} {
		var out bytes.Buffer
		if err := json.Indent(&out, []byte(text), "", ""); err != nil {
			t.Fatal(err)
		}
		spaces := len(indentJSON([]byte(text))) - len(text)
		// Behind each colon there is a space that is not reckoned.
		if got, colons := indentSize([]byte(text)), out.Len()-len(text)-strings.Count(out.String(), "\n"); got != spaces-colons {
			t.Errorf("%s: %d, want %d", text, got, spaces-colons)
		}
	}
	if indentJSON([]byte(`{"a":1]]]}`)) != `{"a":1]]]}` {
		t.Error("what is no JSON did not stay as it is")
	}
}
