package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dispatchapy"
	"dispatchapy/internal/people"
	"dispatchapy/internal/service"
)

const tokensPath = "/v1/tokens"

// token is an API token. Its secret is shown once, when it is made.
type token struct {
	ID        int64              `json:"id"`
	Version   int64              `json:"version"`
	Name      string             `json:"name"`
	Role      dispatchapy.Role   `json:"role" enum:"admin,operator,viewer"`
	CreatedBy string             `json:"created_by"`
	CreatedAt timestamp          `json:"created_at"`
	ExpiresAt *timestamp         `json:"expires_at" nullable:"true" doc:"null: never"`
	LastUse   *timestamp         `json:"last_used_at" nullable:"true" doc:"null: never used"`
	Token     dispatchapy.Secret `json:"token,omitempty" doc:"The token, if it was just made. It is shown this once"`
}

func (t token) identity() (id, version int64) { return t.ID, t.Version }

func newToken(t *people.Token) token {
	return token{
		ID: t.ID, Version: t.Version, Name: t.Name, Role: t.Role, CreatedBy: t.CreatedBy,
		CreatedAt: timestamp(t.CreatedAt), ExpiresAt: optionalTime(t.ExpiresAt), LastUse: optionalTime(t.LastUse),
	}
}

// TokenShown are the keys of a token that are given by the gateway. They may
// be sent back and change nothing.
type TokenShown struct {
	ID        int64   `json:"id,omitempty" doc:"Ignored"`
	Version   *int64  `json:"version,omitempty" doc:"The version on which the change is based, if the header If-Match is not given"`
	CreatedBy string  `json:"created_by,omitempty" doc:"Ignored"`
	CreatedAt string  `json:"created_at,omitempty" doc:"Ignored"`
	LastUse   *string `json:"last_used_at,omitempty" nullable:"true" doc:"Ignored"`
}

// tokenBody is a whole token.
type tokenBody struct {
	TokenShown
	Name      string           `json:"name"`
	Role      dispatchapy.Role `json:"role" enum:"admin,operator,viewer"`
	ExpiresAt moment           `json:"expires_at,omitempty" doc:"null or absent: never"`
}

// tokenPatch is what changes of a token.
type tokenPatch struct {
	TokenShown
	Name      *string           `json:"name,omitempty"`
	Role      *dispatchapy.Role `json:"role,omitempty" enum:"admin,operator,viewer"`
	ExpiresAt moment            `json:"expires_at,omitempty" doc:"null: never"`
}

// moment is a time in a body that may be null, and may be absent.
type moment struct {
	given bool
	at    time.Time // zero for null
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(data []byte) error {
	m.given, m.at = true, time.Time{}
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	return json.Unmarshal(data, &m.at)
}

// Schema implements huma.SchemaProvider.
func (moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true}
}

// edit gives the time for an edit; nil if it was absent.
func (m *moment) edit() *time.Time {
	if !m.given {
		return nil
	}
	return &m.at
}

func (a *api) registerTokens() {
	register(a, operation(http.MethodGet, tokensPath, "list-tokens", "people", "List API tokens, by name"),
		func(ctx context.Context, p dispatchapy.Principal, in *NamePaging) (*answer[list[token]], error) {
			tokens, err := a.people.ListTokens(ctx, p)
			if err != nil {
				return nil, err
			}
			found, err := service.PageByName(in.request(), tokens, func(t people.Token) string { return t.Name })
			return page(found, newToken), err
		})
	register(a, operation(http.MethodGet, tokensPath+"/{id}", "get-token", "people", "Get an API token, without its secret"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*objectOutput[token], error) {
			return tokenOutput(a.people.Token(ctx, p, in.ID))
		})
	a.registerTokenChanges()

	type removal struct {
		ByID
		IfMatch
	}
	register(a, operation(http.MethodDelete, tokensPath+"/{id}", "delete-token", "people", "Delete an API token: it stops working at once"),
		func(ctx context.Context, p dispatchapy.Principal, in *removal) (*struct{}, error) {
			expect, err := parseTag(in.IfMatch.IfMatch)
			if err != nil {
				return nil, err
			}
			return nil, personConflict(a.people.DeleteToken(ctx, p, in.ID, expect))
		})
}

func (a *api) registerTokenChanges() {
	type creation struct {
		Body struct {
			Name      string           `json:"name"`
			Role      dispatchapy.Role `json:"role" enum:"admin,operator,viewer"`
			ExpiresAt moment           `json:"expires_at,omitempty" doc:"null or absent: never"`
		}
	}
	op := operation(http.MethodPost, tokensPath, "create-token", "people", "Create an API token")
	op.DefaultStatus = http.StatusCreated
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *creation) (*createdOutput[token], error) {
		made, secret, err := a.people.CreateToken(ctx, p, people.NewToken{Name: in.Body.Name, Role: in.Body.Role, ExpiresAt: in.Body.ExpiresAt.at})
		body := newToken(&made)
		body.Token = secret
		return &createdOutput[token]{ETag: etag(made.Version), Location: fmt.Sprintf("%s/%d", tokensPath, made.ID), Body: body}, err
	})

	edit := func(ctx context.Context, p dispatchapy.Principal, id int64, ifMatch IfMatch, shown *TokenShown, e people.TokenEdit) (*objectOutput[token], error) {
		expect, err := expected(ifMatch, shown.Version)
		if err != nil {
			return nil, err
		}
		return tokenOutput(a.people.EditToken(ctx, p, id, expect, e))
	}
	type replacement struct {
		ByID
		IfMatch
		Body tokenBody
	}
	register(a, operation(http.MethodPut, tokensPath+"/{id}", "update-token", "people", "Replace an API token's name, role and end"),
		func(ctx context.Context, p dispatchapy.Principal, in *replacement) (*objectOutput[token], error) {
			b := &in.Body
			return edit(ctx, p, in.ID, in.IfMatch, &b.TokenShown, people.TokenEdit{Name: &b.Name, Role: &b.Role, ExpiresAt: &b.ExpiresAt.at})
		})
	type patch struct {
		ByID
		IfMatch
		Body tokenPatch
	}
	register(a, operation(http.MethodPatch, tokensPath+"/{id}", "patch-token", "people", "Change an API token by a JSON merge patch"),
		func(ctx context.Context, p dispatchapy.Principal, in *patch) (*objectOutput[token], error) {
			b := &in.Body
			return edit(ctx, p, in.ID, in.IfMatch, &b.TokenShown, people.TokenEdit{Name: b.Name, Role: b.Role, ExpiresAt: b.ExpiresAt.edit()})
		})
}

func tokenOutput(t people.Token, err error) (*objectOutput[token], error) {
	return &objectOutput[token]{ETag: etag(t.Version), Body: newToken(&t)}, personConflict(err)
}
