package webui

import "testing"

// TestPayloadOf keeps the bytes of a message that was not edited, though
// browsers send lines with carriage returns.
func TestPayloadOf(t *testing.T) {
	const source = `{"n":12345678901234567890,  "a":[1.50]}`
	shown := "{\r\n  \"n\": 12345678901234567890,\r\n  \"a\": [\r\n    1.50\r\n  ]\r\n}\r\n"
	for written, want := range map[string]string{
		shown: "<nil>", source: source, `{"a":1}`: `{"a":1}`, "": "", "{\r\n}": "{\n}",
	} {
		got := "<nil>"
		if payload := payloadOf(written, []byte(source)); payload != nil {
			got = string(payload)
		}
		if got != want {
			t.Errorf("%q is sent as %q, want %q", written, got, want)
		}
	}
}
