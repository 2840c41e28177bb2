// Package config holds the options of the process: where it listens, where its
// data is. Nothing that users configure for their messages is here.
package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"time"
)

// Options of `dispatchapy serve`. Flags are stronger than the environment, and
// that is stronger than the options file.
type Options struct {
	Addr        string `help:"Address to listen on." default:":8000" env:"DISPATCHAPY_ADDR"`
	DataDir     string `help:"Directory of the database and the secret key." default:"./data" env:"DISPATCHAPY_DATA_DIR" type:"path"`
	DatabaseURL string `help:"Database; empty: a SQLite file in the data directory." env:"DISPATCHAPY_DATABASE_URL"`
	Config      string `help:"Gateway file to apply at start (YAML or JSON)." env:"DISPATCHAPY_CONFIG" type:"path"`

	// Secrets have no place on a command line, where everybody can read them:
	// these flags are not shown.
	AdminToken    string `hidden:"" help:"Management API token with the admin role." env:"DISPATCHAPY_ADMIN_TOKEN"`
	AdminPassword string `hidden:"" help:"Password of the user admin." env:"GATEWAY_ADMIN_PASSWORD"`
	SecretKey     string `hidden:"" help:"Key that encrypts stored secrets." env:"DISPATCHAPY_SECRET_KEY"`

	SecretKeyFile string `help:"File with the key that encrypts stored secrets; absent: made once in the data directory." env:"DISPATCHAPY_SECRET_KEY_FILE" type:"path"`

	OIDC OIDC `embed:"" prefix:"oidc-"`

	TrustedProxies []string `help:"Addresses or networks (10.0.0.0/8) of reverse proxies in front of the gateway, which are believed whom they pass on." env:"DISPATCHAPY_TRUSTED_PROXIES"`

	LogLevel  string        `help:"Least level to log." enum:"debug,info,warn,error" default:"info" env:"DISPATCHAPY_LOG_LEVEL"`
	LogFormat string        `help:"Log format." enum:"json,text" default:"json" env:"DISPATCHAPY_LOG_FORMAT"`
	Grace     time.Duration `help:"How long running deliveries may take to finish at shutdown." default:"20s" env:"DISPATCHAPY_GRACE"`
}

// Validate says what is wrong with the options, naming the flag.
func (o *Options) Validate() error {
	if _, _, err := net.SplitHostPort(o.Addr); err != nil {
		return fmt.Errorf("--addr: %q is not an address like :8000 or 127.0.0.1:8000", o.Addr)
	}
	if o.DataDir == "" {
		return fmt.Errorf("--data-dir: must not be empty")
	}
	if o.Grace < 0 {
		return fmt.Errorf("--grace: must not be negative")
	}
	if err := o.OIDC.validate(); err != nil {
		return err
	}
	if _, err := o.Proxies(); err != nil {
		return err
	}
	if o.DatabaseURL != "" {
		if u, err := url.Parse(o.DatabaseURL); err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
			return fmt.Errorf("--database-url: PostgreSQL is not supported by this version; leave it empty for SQLite")
		}
		return fmt.Errorf("--database-url: not a database this version knows; leave it empty for SQLite in the data directory")
	}
	return nil
}

// DatabasePath is where the SQLite database is.
func (o *Options) DatabasePath() string { return filepath.Join(o.DataDir, "dispatchapy.db") }
