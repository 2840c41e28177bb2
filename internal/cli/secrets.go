package cli

import (
	"context"
	"fmt"

	"dispatchapy"
	"dispatchapy/internal/app"
)

type secretsCmd struct {
	Rotate secretsRotateCmd `cmd:"" help:"Replace the key that encrypts the stored configuration."`
}

type secretsRotateCmd struct{ local }

// Help is printed below the flags.
func (c *secretsRotateCmd) Help() string {
	return "The gateway must be stopped. A new key is put into the key file, everything stored is sealed with it, and the old key is put aside for the backups made before.\n" +
		"With DISPATCHAPY_SECRET_KEY, put the new key in a line before the old one, run this, and then take the old one away."
}

// Run rotates the secret key.
func (c *secretsRotateCmd) Run(ctx context.Context, con *console) error {
	done, err := app.RotateKey(ctx, c.options())
	if err != nil {
		return err
	}
	if done.File == "" && done.Objects == 0 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid,
			"everything is sealed with the first key of DISPATCHAPY_SECRET_KEY already: to change it, put a new key in a line before it")
	}
	fmt.Fprintf(con.out, "%s sealed with the new key\n", count(done.Objects, "object"))
	switch {
	case done.File == "":
		fmt.Fprintln(con.out, "only the first key of DISPATCHAPY_SECRET_KEY is needed from now on; backups made before need the older ones")
	case done.OldKeys != "":
		fmt.Fprintf(con.out, "the new key is in %s; the old one is in %s and needed only for backups made before: move it to them or delete it\n", done.File, done.OldKeys)
	}
	return nil
}
