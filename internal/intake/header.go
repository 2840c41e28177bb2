package intake

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// tokenHeaders are the headers that may carry a bare token, first choice
// first, in the spelling that net/http gives to whatever was sent: a letter
// after an underscore becomes small (Access_Token is Access_token).
var tokenHeaders = [...]string{"X-Api-Token", "Token", "Access_token", "Access-Token", "X_api_token"}

// findToken gives the token of a request, "" if it carries none. An empty
// header counts as absent.
func findToken(header http.Header) string {
	for _, name := range tokenHeaders {
		if values := header[name]; len(values) > 0 && values[0] != "" {
			return values[0]
		}
	}
	value := strings.TrimSpace(header.Get("Authorization"))
	const scheme = "bearer"
	if len(value) < len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return value
	}
	rest := value[len(scheme):]
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return value // a bare token that happens to begin with the word
	}
	return strings.TrimSpace(rest)
}

// clientByToken finds the client, or nil. Its effort does not depend on what a
// stranger sends: a token that nobody can have is not even hashed.
func clientByToken(snapshot *routing.Snapshot, token string) *routing.Client {
	if len(token) > dispatchapy.MaxTokenLength {
		return nil
	}
	return snapshot.ClientByToken(dispatchapy.HashToken(token), time.Now())
}

// checkContent refuses a body that says of itself that it is not plain JSON. A
// charset is not looked at: JSON has none, and the bytes are checked anyway.
func checkContent(header http.Header) *refusal {
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return &refusal{http.StatusUnsupportedMediaType, ReasonContentType,
			fmt.Sprintf("Content-Encoding %s is not supported: send the body uncompressed", quote([]byte(encoding)))}
	}
	contentType := header.Get("Content-Type")
	if contentType == "" {
		return nil
	}
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.TrimSpace(mediaType)
	const suffix = "+json"
	if strings.EqualFold(mediaType, "application/json") ||
		len(mediaType) > len(suffix) && strings.EqualFold(mediaType[len(mediaType)-len(suffix):], suffix) {
		return nil
	}
	return &refusal{http.StatusUnsupportedMediaType, ReasonContentType,
		fmt.Sprintf("Content-Type %s is not supported: send application/json", quote([]byte(mediaType)))}
}

// idempotencyKey gives the caller's key, "" if there is none. An empty header
// is refused rather than ignored: its sender counts on a protection that would
// not be there.
func idempotencyKey(header http.Header) (string, *refusal) {
	values := header["Idempotency-Key"]
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", refuseKey("is given more than once")
	}
	key := values[0]
	if fault := dispatchapy.IdempotencyKeyFault(key); fault != "" {
		return "", refuseKey(fault)
	}
	return key, nil
}

func refuseKey(fault string) *refusal {
	return &refusal{http.StatusBadRequest, ReasonIdempotency, "Idempotency-Key " + fault}
}
