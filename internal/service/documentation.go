package service

import (
	"context"
	"slices"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/apidocs"
)

// Sample is a program that sends one message, to be run as it is.
type Sample = apidocs.Sample

// EndpointDescription is what a sender needs to know of an endpoint.
type EndpointDescription = apidocs.Description

// SenderError is one reason for which a message is refused.
type SenderError = apidocs.Error

// SenderErrors gives the reasons for which messages are refused, by status.
func SenderErrors() []SenderError { return apidocs.Errors() }

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

// DescribeEndpoints describes the endpoints that p may call, sorted by path:
// all active ones for staff.
func (s *Service) DescribeEndpoints(_ context.Context, p dispatchapy.Principal) ([]EndpointDescription, error) {
	if err := require(p, dispatchapy.ReadConfig); err != nil {
		return nil, err
	}
	sight := s.sightOf(p)
	var out []EndpointDescription
	for _, e := range sight.snapshot.Endpoints {
		if e.IsActive() && sight.endpoint(e) {
			out = append(out, apidocs.Describe(e))
		}
	}
	slices.SortFunc(out, func(a, b EndpointDescription) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}
