package intake

import (
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/routing"
)

// Judge says what POST /api/{path} would answer to a body that the client
// sends to the endpoint, and makes the submission of it, without delay. status
// is 200 for one that is accepted; otherwise detail is the text of the answer.
// client may be nil to ask about any client that is linked. Nothing is stored.
func Judge(endpoint *routing.Endpoint, client *routing.Client, source []byte) (s dispatchapy.Submission, status int, detail string) {
	refused := refusalBefore(endpoint, client, int64(len(source)))
	if refused == nil {
		if client == nil {
			client = &routing.Client{Client: &dispatchapy.Client{}}
		}
		s, refused = sender{client: client, endpoint: endpoint}.submission(source)
	}
	if refused != nil {
		return dispatchapy.Submission{}, refused.status, refused.detail
	}
	return s, http.StatusOK, ""
}

// refusalBefore decides what does not depend on the body's content.
func refusalBefore(endpoint *routing.Endpoint, client *routing.Client, size int64) *refusal {
	switch {
	case !endpoint.IsActive():
		return refuseEndpoint
	case client != nil && !endpoint.Allows(client):
		return refuseToken
	case size > endpoint.MaxBody:
		return refuseTooLarge(endpoint.MaxBody)
	}
	return nil
}
