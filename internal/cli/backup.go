package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"dispatchapy/internal/app"
	"dispatchapy/internal/config"
)

// local says which data directory a command works on, and with which keys.
type local struct {
	offlineKeys
	DataDir string `help:"Data directory of the gateway." default:"./data" env:"DISPATCHAPY_DATA_DIR" type:"path"`
}

func (l *local) options() config.Options {
	return config.Options{DataDir: l.DataDir, SecretKey: l.SecretKey, SecretKeyFile: l.SecretKeyFile}
}

type backupCmd struct {
	local
	File string `arg:"" help:"File to make. It must not exist." type:"path"`
}

// Help is printed below the flags.
func (c *backupCmd) Help() string {
	return "The gateway may run meanwhile. What it had accepted when the command began is in the backup, and the backup is checked before it appears.\n" +
		"The secret key is not in it: keep secret.key too, in another place."
}

// Run backs the database up.
func (c *backupCmd) Run(ctx context.Context, con *console) error {
	facts, err := app.Backup(ctx, c.options(), c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.out, "%s: %s, tasks up to %d, configuration version %d\n", c.File, megabytes(facts.Bytes), facts.Newest, facts.ConfigVersion)
	if c.SecretKey == "" {
		key := c.SecretKeyFile
		if key == "" {
			key = filepath.Join(c.DataDir, "secret.key")
		}
		fmt.Fprintf(con.out, "the secret key is not in it: keep a copy of %s in another place\n", key)
	}
	return nil
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

type restoreCmd struct {
	local
	File string `arg:"" help:"Backup to restore." type:"path"`
}

// Help is printed below the flags.
func (c *restoreCmd) Help() string {
	return "The gateway must be stopped. The backup is checked first, and must be one that the secret key opens. The old database is kept beside the new one.\n" +
		"Tasks that were waiting when the backup was made are sent when the gateway starts, also those that were delivered since."
}

// Run puts a backup in the place of the database.
func (c *restoreCmd) Run(ctx context.Context, con *console) error {
	done, err := app.Restore(ctx, c.options(), c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.out, "restored: tasks up to %d, configuration version %d\n", done.Facts.Newest, done.Facts.ConfigVersion)
	if done.Aside != "" {
		fmt.Fprintf(con.out, "the old database is now %s\n", done.Aside)
	}
	if done.Facts.Waiting > 0 {
		fmt.Fprintf(con.out, "%s waiting in it will be sent when the gateway starts, even if delivered since the backup\n", count(int(done.Facts.Waiting), "task"))
	}
	return nil
}
