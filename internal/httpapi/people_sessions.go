package httpapi

import (
	"context"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/people"
)

const (
	sessionPath  = "/v1/session"
	sessionsPath = "/v1/sessions"
)

// WhoAsks is somebody who was recognised. It is embedded, and huma looks for
// fields in exported types only.
type WhoAsks struct {
	Name     string           `json:"name"`
	Role     dispatchapy.Role `json:"role" enum:"admin,operator,viewer,client"`
	UserID   *int64           `json:"user_id" nullable:"true" doc:"null: no user, but a token or a client"`
	ClientID *int64           `json:"client_id" nullable:"true"`
}

func newWhoAsks(p dispatchapy.Principal) WhoAsks {
	return WhoAsks{Name: p.Name, Role: p.Role, UserID: optional(p.UserID), ClientID: optional(p.ClientID)}
}

// signedIn is a new session. Its token is shown once.
type signedIn struct {
	Token     dispatchapy.Secret `json:"token" doc:"To be sent as Authorization: Bearer TOKEN"`
	ExpiresAt timestamp          `json:"expires_at" doc:"At the latest; after settings.sessions.idle without a request it ends as well"`
	WhoAsks
}

// session is somebody signed in.
type session struct {
	ID        int64            `json:"id"`
	Name      string           `json:"name" doc:"Of the user or client"`
	Role      dispatchapy.Role `json:"role" enum:"admin,operator,viewer,client"`
	Address   string           `json:"address"`
	Agent     string           `json:"agent" doc:"User agent"`
	CreatedAt timestamp        `json:"created_at"`
	SeenAt    timestamp        `json:"seen_at"`
	ExpiresAt timestamp        `json:"expires_at" doc:"Unless it is used before"`
	Current   bool             `json:"current" doc:"It is the one that asks"`
}

func newSession(s *people.SessionInfo) session {
	return session{
		ID: s.ID, Name: s.Owner.Name, Role: s.Owner.Role, Address: s.Address, Agent: s.Agent,
		CreatedAt: timestamp(s.CreatedAt), SeenAt: timestamp(s.SeenAt), ExpiresAt: timestamp(s.ExpiresAt), Current: s.Current,
	}
}

func (a *api) registerSession() {
	a.registerSignIn()
	register(a, operation(http.MethodGet, sessionPath, "get-session", "people", "Say who asks"),
		func(_ context.Context, p dispatchapy.Principal, _ *struct{}) (*answer[WhoAsks], error) {
			return &answer[WhoAsks]{newWhoAsks(p)}, nil
		})
	register(a, operation(http.MethodDelete, sessionPath, "sign-out", "people", "Sign out: end the session that asks"),
		func(ctx context.Context, _ dispatchapy.Principal, _ *struct{}) (*struct{}, error) {
			token := callerOf(ctx).session
			if token == "" {
				return nil, dispatchapy.Errorf(dispatchapy.CodeConflict, "the request was not made with a session, and so there is none to end")
			}
			return nil, a.people.SignOut(ctx, token)
		})
	type change struct {
		Body struct {
			Password    dispatchapy.Secret `json:"password" doc:"The present one"`
			NewPassword dispatchapy.Secret `json:"new_password" doc:"At least 8 characters"`
		}
	}
	op := operation(http.MethodPut, sessionPath+"/password", "change-password", "people", "Change one's own password")
	op.Description = "It ends all other sessions of the user."
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *change) (*struct{}, error) {
		c := callerOf(ctx)
		return nil, a.people.ChangePassword(ctx, p, in.Body.Password, in.Body.NewPassword, c.session, c.from)
	})
}

// registerSignIn adds the one operation for which nobody has to be known.
func (a *api) registerSignIn() {
	type input struct {
		Body struct {
			Name     string             `json:"name,omitempty" doc:"Of a user"`
			Password dispatchapy.Secret `json:"password,omitempty"`
			Token    dispatchapy.Secret `json:"token,omitempty" doc:"Of a client, instead of name and password"`
		}
	}
	op := operation(http.MethodPost, sessionPath, "sign-in", "people", "Sign in: begin a session of a user or a client")
	op.DefaultStatus = http.StatusCreated
	op.Security = []map[string][]string{{}}
	register(a, op, func(ctx context.Context, _ dispatchapy.Principal, in *input) (*answer[signedIn], error) {
		var (
			made people.SignedIn
			err  error
			from = callerOf(ctx).from
		)
		switch b := &in.Body; {
		case b.Token != "" && (b.Name != "" || b.Password != ""):
			return nil, fieldFault("token", "signs in a client: leave out name and password, or the token")
		case b.Token != "":
			made, err = a.people.SignInClient(ctx, b.Token, from)
		case b.Name == "":
			return nil, fieldFault("name", "give name and password of a user, or the token of a client")
		default:
			made, err = a.people.SignIn(ctx, b.Name, b.Password, from)
		}
		return &answer[signedIn]{signedIn{Token: made.Token, ExpiresAt: timestamp(made.ExpiresAt), WhoAsks: newWhoAsks(made.Principal)}}, err
	})
}

func (a *api) registerSessions() {
	op := operation(http.MethodGet, sessionsPath, "list-sessions", "people", "List sessions, those used last first")
	op.Description = "An administrator sees everybody's, others their own. The list is not cut into pages."
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, _ *struct{}) (*answer[list[session]], error) {
		found, err := a.people.Sessions(ctx, p, callerOf(ctx).session)
		items := make([]session, len(found))
		for i := range found {
			items[i] = newSession(&found[i])
		}
		return &answer[list[session]]{list[session]{Items: items}}, err
	})
	register(a, operation(http.MethodDelete, sessionsPath+"/{id}", "end-session", "people", "End a session"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*struct{}, error) {
			return nil, a.people.Revoke(ctx, p, in.ID)
		})
	type ended struct {
		Ended int `json:"ended" doc:"How many there were"`
	}
	others := operation(http.MethodDelete, sessionsPath, "end-other-sessions", "people", "End one's own sessions but for the one that asks")
	register(a, others, func(ctx context.Context, p dispatchapy.Principal, _ *struct{}) (*answer[ended], error) {
		n, err := a.people.RevokeOthers(ctx, p, callerOf(ctx).session)
		return &answer[ended]{ended{n}}, err
	})
}
