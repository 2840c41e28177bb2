package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"dispatchapy"
	"dispatchapy/internal/people"
	"dispatchapy/internal/service"
)

const usersPath = "/v1/users"

// user is somebody who signs in with a password, which is never shown.
type user struct {
	ID         int64            `json:"id"`
	Version    int64            `json:"version"`
	Name       string           `json:"name"`
	Role       dispatchapy.Role `json:"role" enum:"admin,operator,viewer"`
	Active     bool             `json:"active" doc:"Others cannot sign in"`
	CreatedAt  timestamp        `json:"created_at"`
	PasswordAt timestamp        `json:"password_at" doc:"When the password was set"`
}

func (u user) identity() (id, version int64) { return u.ID, u.Version }

func newUser(u *people.User) user {
	return user{
		ID: u.ID, Version: u.Version, Name: u.Name, Role: u.Role, Active: u.Active,
		CreatedAt: timestamp(u.CreatedAt), PasswordAt: timestamp(u.PasswordAt),
	}
}

// UserShown are the keys of a user that are given by the gateway. They may be
// sent back and change nothing. Like other inputs that are embedded it is
// exported because huma looks for fields in no others.
type UserShown struct {
	ID         int64  `json:"id,omitempty" doc:"Ignored"`
	Version    *int64 `json:"version,omitempty" doc:"The version on which the change is based, if the header If-Match is not given"`
	CreatedAt  string `json:"created_at,omitempty" doc:"Ignored"`
	PasswordAt string `json:"password_at,omitempty" doc:"Ignored"`
}

// userBody is a whole user.
type userBody struct {
	UserShown
	Name     string              `json:"name"`
	Role     dispatchapy.Role    `json:"role" enum:"admin,operator,viewer"`
	Active   bool                `json:"active"`
	Password *dispatchapy.Secret `json:"password,omitempty" doc:"A new password; absent: the present one stays. It ends the user's sessions"`
}

// userPatch is what changes of a user.
type userPatch struct {
	UserShown
	Name     *string             `json:"name,omitempty"`
	Role     *dispatchapy.Role   `json:"role,omitempty" enum:"admin,operator,viewer"`
	Active   *bool               `json:"active,omitempty"`
	Password *dispatchapy.Secret `json:"password,omitempty" doc:"A new password. It ends the user's sessions"`
}

func (a *api) registerUsers() {
	register(a, operation(http.MethodGet, usersPath, "list-users", "people", "List users, by name"),
		func(ctx context.Context, p dispatchapy.Principal, in *NamePaging) (*answer[list[user]], error) {
			users, err := a.people.ListUsers(ctx, p)
			if err != nil {
				return nil, err
			}
			found, err := service.PageByName(in.request(), users, func(u people.User) string { return u.Name })
			return page(found, newUser), err
		})
	register(a, operation(http.MethodGet, usersPath+"/{id}", "get-user", "people", "Get a user"),
		func(ctx context.Context, p dispatchapy.Principal, in *ByID) (*objectOutput[user], error) {
			return userOutput(a.people.User(ctx, p, in.ID))
		})
	a.registerUserChanges()

	type removal struct {
		ByID
		IfMatch
	}
	register(a, operation(http.MethodDelete, usersPath+"/{id}", "delete-user", "people", "Delete a user and end its sessions"),
		func(ctx context.Context, p dispatchapy.Principal, in *removal) (*struct{}, error) {
			expect, err := parseTag(in.IfMatch.IfMatch)
			if err != nil {
				return nil, err
			}
			return nil, personConflict(a.people.DeleteUser(ctx, p, in.ID, expect))
		})
}

func (a *api) registerUserChanges() {
	type creation struct {
		Body struct {
			Name     string             `json:"name" doc:"Letters, digits and . _ - @ +"`
			Role     dispatchapy.Role   `json:"role" enum:"admin,operator,viewer"`
			Password dispatchapy.Secret `json:"password" doc:"At least 8 characters"`
		}
	}
	op := operation(http.MethodPost, usersPath, "create-user", "people", "Create a user")
	op.DefaultStatus = http.StatusCreated
	register(a, op, func(ctx context.Context, p dispatchapy.Principal, in *creation) (*createdOutput[user], error) {
		made, err := a.people.CreateUser(ctx, p, people.NewUser{Name: in.Body.Name, Role: in.Body.Role, Password: in.Body.Password})
		return &createdOutput[user]{ETag: etag(made.Version), Location: fmt.Sprintf("%s/%d", usersPath, made.ID), Body: newUser(&made)}, err
	})

	edit := func(ctx context.Context, p dispatchapy.Principal, id int64, ifMatch IfMatch, shown *UserShown, e people.UserEdit) (*objectOutput[user], error) {
		expect, err := expected(ifMatch, shown.Version)
		if err != nil {
			return nil, err
		}
		return userOutput(a.people.EditUser(ctx, p, id, expect, e))
	}
	type replacement struct {
		ByID
		IfMatch
		Body userBody
	}
	register(a, operation(http.MethodPut, usersPath+"/{id}", "update-user", "people", "Replace a user"),
		func(ctx context.Context, p dispatchapy.Principal, in *replacement) (*objectOutput[user], error) {
			b := &in.Body
			return edit(ctx, p, in.ID, in.IfMatch, &b.UserShown, people.UserEdit{Name: &b.Name, Role: &b.Role, Active: &b.Active, Password: b.Password})
		})
	type patch struct {
		ByID
		IfMatch
		Body userPatch
	}
	register(a, operation(http.MethodPatch, usersPath+"/{id}", "patch-user", "people", "Change a user by a JSON merge patch"),
		func(ctx context.Context, p dispatchapy.Principal, in *patch) (*objectOutput[user], error) {
			b := &in.Body
			return edit(ctx, p, in.ID, in.IfMatch, &b.UserShown, people.UserEdit{Name: b.Name, Role: b.Role, Active: b.Active, Password: b.Password})
		})
}

func userOutput(u people.User, err error) (*objectOutput[user], error) {
	return &objectOutput[user]{ETag: etag(u.Version), Body: newUser(&u)}, personConflict(err)
}

// expected is the version on which a change is based: that of the header or
// that of the body.
func expected(header IfMatch, body *int64) (*int64, error) {
	expect, err := parseTag(header.IfMatch)
	switch {
	case err != nil || body == nil:
		return expect, err
	case expect != nil && *expect != *body:
		return nil, fieldFault("version", "is not the one of the header If-Match: give one of them")
	}
	return body, nil
}

// personConflict gives a conflict over a user or token the form in which all
// conflicts are answered.
func personConflict(err error) error {
	var conflict *people.ConflictError
	if !errors.As(err, &conflict) {
		return err
	}
	return &service.ConflictError{
		Err: conflict.Err, Version: conflict.Version, Current: personSent(conflict.Current), Yours: personSent(conflict.Yours),
	}
}

func personSent(v any) any {
	switch v := v.(type) {
	case people.User:
		return newUser(&v)
	case people.Token:
		return newToken(&v)
	}
	return nil
}
