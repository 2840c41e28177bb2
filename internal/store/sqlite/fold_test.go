package sqlite

import (
	"encoding/json"
	"testing"
)

func TestFoldJSON(t *testing.T) {
	for payload, want := range map[string]string{
		``:                                 ``,
		`{"M":"ÄB"}`:                       `{"m":"äb"}`,
		`gr\u00FCsse \u0041`:               `grüsse a`,
		`\ud83d\ude00!`:                    `😀!`,
		`\"a\" \\ \/ \b\f\n\r\tz`:          "\"a\" \\ / \b\f\n\r\tz",
		`\\u0041`:                          `\u0041`,
		`half \u12`:                        `half \u12`,
		`no digits \u12G4 \u+123`:          `no digits \u12g4 \u+123`,
		`unknown \x and the end \`:         `unknown \x and the end \`,
		`alone \ud83d and \ude00, \ud83dx`: "alone \ufffd and \ufffd, \ufffdx",
		`\ud83d\n`:                         "\ufffd\n",
	} {
		if got := foldJSON([]byte(payload)); got != want {
			t.Errorf("foldJSON(%q) = %q, want %q", payload, got, want)
		}
	}
}

// A JSON string folds to what its reader sees.
func FuzzFoldJSON(f *testing.F) {
	f.Add([]byte(`"\u00e9\ud83d\ude00 \\u0041 \ud83d\ud83d\n\/ ÄÖ"`))
	f.Add([]byte(`"half \u12`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		folded := foldJSON(payload)
		var decoded string
		if len(payload) < 2 || payload[len(payload)-1] != '"' || payload[0] != '"' || json.Unmarshal(payload, &decoded) != nil {
			return
		}
		if want := foldText(`"` + decoded + `"`); folded != want {
			t.Errorf("foldJSON(%q) = %q, want %q", payload, folded, want)
		}
	})
}
