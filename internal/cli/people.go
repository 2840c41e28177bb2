package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"dispatchapy"
)

type (
	userKind  struct{}
	tokenKind struct{}
)

func (userKind) kind() kind {
	return kind{"/v1/users", "user", "name", []string{"id", "name", "role", "active", "password_at"}}
}

func (tokenKind) kind() kind {
	return kind{"/v1/tokens", "API token", "name", []string{"id", "name", "role", "expires_at", "last_used_at", "created_by"}}
}

type userCmd struct {
	List     objectListCmd[userKind]   `cmd:"" help:"List users, by name."`
	Show     objectShowCmd[userKind]   `cmd:"" help:"Show a user."`
	Create   userCreateCmd             `cmd:"" help:"Create a user; asks for the password."`
	Edit     userEditCmd               `cmd:"" help:"Change a user's name or role, or whether it may sign in."`
	Delete   personDeleteCmd[userKind] `cmd:"" help:"Delete a user and end its sessions."`
	Password userPasswordCmd           `cmd:"" help:"Give a user a new password and end its sessions; asks for it."`
}

type tokenCmd struct {
	List   objectListCmd[tokenKind]   `cmd:"" help:"List API tokens, by name."`
	Show   objectShowCmd[tokenKind]   `cmd:"" help:"Show an API token, without its secret."`
	Create tokenCreateCmd             `cmd:"" help:"Create an API token and print it, this once."`
	Edit   tokenEditCmd               `cmd:"" help:"Change an API token's name, role or end; it stays the same token."`
	Delete personDeleteCmd[tokenKind] `cmd:"" help:"Delete an API token: it stops working at once."`
}

// newPerson are the options of a new user or token.
type newPerson struct {
	remote
	Name string `arg:"" help:"Its name."`
	Role string `required:"" enum:"admin,operator,viewer" help:"What it may do: admin everything, operator tasks and health checks, viewer only look."`
}

// create makes the object and gives the answer.
func (n *newPerson) create(ctx context.Context, k kind, more map[string]any) ([]byte, error) {
	api, err := n.connect()
	if err != nil {
		return nil, err
	}
	body := map[string]any{"name": n.Name, "role": n.Role}
	for key, value := range more {
		body[key] = value
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return api.doMatching(ctx, "POST", k.path, ofBody, text)
}

type userCreateCmd struct{ newPerson }

// Run creates a user.
func (c *userCreateCmd) Run(ctx context.Context, con *console) error {
	password, err := con.newPassword(c.Name)
	if err != nil {
		return err
	}
	answer, err := c.create(ctx, userKind{}.kind(), map[string]any{"password": password})
	if err != nil {
		return err
	}
	return printWritten(con, userKind{}.kind(), "created", answer)
}

type userEditCmd struct {
	named[userKind]
	NewName string `name:"rename" help:"Its new name." placeholder:"NAME"`
	Role    string `enum:",admin,operator,viewer" default:"" help:"What it may do: admin, operator or viewer." placeholder:"ROLE"`
	Active  *bool  `negatable:"" help:"Whether it may sign in."`
}

// Run changes what is given.
func (c *userEditCmd) Run(ctx context.Context, con *console) error {
	patch := map[string]any{}
	if c.NewName != "" {
		patch["name"] = c.NewName
	}
	if c.Role != "" {
		patch["role"] = c.Role
	}
	if c.Active != nil {
		patch["active"] = *c.Active
	}
	if len(patch) == 0 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "nothing to change: give --rename, --role, --active or --no-active")
	}
	return c.patch(ctx, con, patch, "changed")
}

type userPasswordCmd struct{ named[userKind] }

// Run gives a user a new password.
func (c *userPasswordCmd) Run(ctx context.Context, con *console) error {
	password, err := con.newPassword(c.Name)
	if err != nil {
		return err
	}
	return c.patch(ctx, con, map[string]any{"password": password}, "has a new password")
}

// patch changes an object and says so.
func (n *named[K]) patch(ctx context.Context, con *console, patch map[string]any, done string) error {
	f, err := n.find(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	answer, err := f.api.doMatching(ctx, "PATCH", f.path, f.Version, body)
	if err != nil {
		return err
	}
	var k K
	return printWritten(con, k.kind(), done, answer)
}

type tokenCreateCmd struct {
	newPerson
	Expires string `help:"When it ends: in a time like 12h or 90d, or at an RFC 3339 time. Absent: never." placeholder:"WHEN"`
}

// Run creates a token. Only the token goes to standard output, so that a
// script can take it from there.
func (c *tokenCreateCmd) Run(ctx context.Context, con *console) error {
	more := map[string]any{}
	if c.Expires != "" {
		at, err := endOf(c.Expires, time.Now())
		if err != nil {
			return err
		}
		more["expires_at"] = at
	}
	answer, err := c.create(ctx, tokenKind{}.kind(), more)
	if err != nil {
		return err
	}
	var made struct {
		ID    int64  `json:"id"`
		Token string `json:"token"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return err
	}
	fmt.Fprintf(con.err, "API token %s created (id %d); it is shown only now:\n", c.Name, made.ID)
	fmt.Fprintln(con.out, made.Token)
	return nil
}

type tokenEditCmd struct {
	named[tokenKind]
	NewName string `name:"rename" help:"Its new name." placeholder:"NAME"`
	Role    string `enum:",admin,operator,viewer" default:"" help:"What it may do: admin, operator or viewer." placeholder:"ROLE"`
	Expires string `help:"When it ends: in a time like 12h or 90d, at an RFC 3339 time, or never." placeholder:"WHEN"`
}

// Run changes what is given.
func (c *tokenEditCmd) Run(ctx context.Context, con *console) error {
	patch := map[string]any{}
	if c.NewName != "" {
		patch["name"] = c.NewName
	}
	if c.Role != "" {
		patch["role"] = c.Role
	}
	switch c.Expires {
	case "":
	case "never":
		patch["expires_at"] = nil
	default:
		at, err := endOf(c.Expires, time.Now())
		if err != nil {
			return err
		}
		patch["expires_at"] = at
	}
	if len(patch) == 0 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "nothing to change: give --rename, --role or --expires")
	}
	return c.patch(ctx, con, patch, "changed")
}

// endOf reads a time, or a duration from now, in which d stands for days.
func endOf(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if days, found := strings.CutSuffix(text, "d"); found {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, int(n)), nil
		}
	}
	in, err := time.ParseDuration(text)
	if err != nil {
		return time.Time{}, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--expires: %q is not a time like 12h, 90d or 2030-01-31T00:00:00Z", text)
	}
	return now.Add(in), nil
}

type personDeleteCmd[K kinder] struct{ named[K] }

// Run deletes a user or a token.
func (c *personDeleteCmd[K]) Run(ctx context.Context, con *console) error {
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	if _, err := f.api.doMatching(ctx, "DELETE", f.path, f.Version, nil); err != nil {
		return err
	}
	var k K
	fmt.Fprintf(con.out, "%s %s deleted\n", k.kind().word, c.Name)
	return nil
}

// newPassword reads a new password: twice and unseen from a terminal, else the
// first line of standard input. There is no flag for it: everybody on the
// machine can read command lines.
func (c *console) newPassword(name string) (string, error) {
	file, ok := c.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		password, err := firstLine(c.in)
		if err != nil {
			return "", dispatchapy.Errorf(dispatchapy.CodeInvalid, "no password: give it as the first line of standard input")
		}
		return password, nil
	}
	first, err := c.askUnseen(file, fmt.Sprintf("New password of %s: ", safe(name)))
	if err != nil {
		return "", err
	}
	second, err := c.askUnseen(file, "The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", dispatchapy.Errorf(dispatchapy.CodeInvalid, "the two are not the same: nothing was changed")
	}
	return first, nil
}

func (c *console) askUnseen(file *os.File, prompt string) (string, error) {
	fmt.Fprint(c.err, prompt)
	password, err := term.ReadPassword(int(file.Fd()))
	fmt.Fprintln(c.err)
	return string(password), err
}
