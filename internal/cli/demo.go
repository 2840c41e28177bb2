package cli

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"dispatchapy/internal/app"
	"dispatchapy/internal/config"
	"dispatchapy/internal/demo"
)

type demoCmd struct {
	Addr string `help:"Address that the gateway listens on." default:"127.0.0.1:8000" env:"DISPATCHAPY_ADDR"`
}

// Run runs the demo until a signal ends it. Its data is thrown away.
func (c *demoCmd) Run(ctx context.Context, con *console) error {
	return demo.Run(ctx, demo.Options{
		Out: con.out, Addr: c.Addr,
		Start: func(ctx context.Context, addr string, gatewayFile []byte) (demo.Gateway, error) {
			return startDemo(ctx, con, addr, gatewayFile)
		},
	})
}

func startDemo(ctx context.Context, con *console, addr string, gatewayFile []byte) (_ demo.Gateway, err error) {
	dir, err := os.MkdirTemp("", "dispatchapy-demo-")
	if err != nil {
		return demo.Gateway{}, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	file := filepath.Join(dir, "gateway.yaml")
	if err := os.WriteFile(file, gatewayFile, 0o600); err != nil {
		return demo.Gateway{}, err
	}
	options := config.Options{Addr: addr, DataDir: filepath.Join(dir, "data"), Config: file, AdminToken: rand.Text(), Grace: 3 * time.Second}
	gateway, err := app.New(ctx, options, con.version, slog.New(slog.DiscardHandler))
	if err != nil {
		return demo.Gateway{}, err
	}
	if err := gateway.Start(); err != nil {
		gateway.Stop()
		return demo.Gateway{}, err
	}
	return demo.Gateway{
		URL:        "http://" + gateway.Addr(),
		AdminToken: options.AdminToken,
		Stop: func() {
			gateway.Stop()
			_ = os.RemoveAll(dir)
		},
	}, nil
}
