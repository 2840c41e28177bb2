package service

import (
	"context"

	"dispatchapy"
	"dispatchapy/internal/apidocs"
)

// Sample is a program that sends one message, to be run as it is.
type Sample = apidocs.Sample

// TokenVariable is the environment variable from which samples take the token.
const TokenVariable = apidocs.TokenVariable

// Documentation gives the OpenAPI document, as JSON, of the endpoints that p
// may call: all active ones for staff.
func (s *Service) Documentation(_ context.Context, p dispatchapy.Principal) ([]byte, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return nil, err
	}
	return apidocs.OpenAPI(s.table.Load(), apidocs.Viewer{ClientID: p.ClientID})
}

// Samples gives programs that send a message to an endpoint of the gateway at
// serverURL, which is like https://gateway.example.com.
func (s *Service) Samples(_ context.Context, p dispatchapy.Principal, endpointID int64, serverURL string) ([]Sample, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return nil, err
	}
	sight := s.sightOf(p)
	endpoint := sight.snapshot.EndpointByID(endpointID)
	if endpoint == nil || !sight.endpoint(endpoint) {
		return nil, notFound("endpoint", endpointID)
	}
	return apidocs.Samples(endpoint, serverURL), nil
}
