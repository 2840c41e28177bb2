package app

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// Control is what a command on the same machine needs to talk to the running
// gateway. It is kept in the data directory, readable by its owner alone, who
// could as well read the database and its key.
type Control struct {
	URL   string `json:"url"`
	Token string `json:"token"` // of the admin role, new at every start
	PID   int    `json:"pid"`
}

func controlPath(dataDir string) string { return filepath.Join(dataDir, "control.json") }

// ReadControl reads the control file of a data directory. The error is
// fs.ErrNotExist where no gateway runs.
func ReadControl(dataDir string) (Control, error) {
	var c Control
	data, err := os.ReadFile(controlPath(dataDir))
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("%s: %w", controlPath(dataDir), err)
	}
	return c, nil
}

// writeControl writes the control file.
//
// Failure policy: the gateway works without it (the disk may be full); commands
// on this machine then need --server and --token.
func (a *App) writeControl() {
	path := controlPath(a.options.DataDir)
	data, err := json.Marshal(Control{URL: "http://" + LocalAddr(a.Addr()), Token: a.control, PID: os.Getpid()})
	if err == nil {
		_ = os.Remove(path) // so that the mode below holds for it
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		a.log.Warn("control file could not be written", "path", path, "error", err)
	}
}

// removeControl removes the control file. One that is left behind is harmless:
// its token died with the process.
func (a *App) removeControl() { _ = os.Remove(controlPath(a.options.DataDir)) }

func newControlToken() string { return "dpyc_" + rand.Text() + rand.Text() }

// LocalAddr turns an address to listen on into one to connect to from here.
func LocalAddr(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
