package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"dispatchapy"
	"dispatchapy/internal/app"
	"dispatchapy/internal/config"
)

type serveCmd struct {
	config.Options
}

// Run runs the gateway until a signal ends it. A second signal kills it.
func (c *serveCmd) Run(ctx context.Context, con *console) error {
	log := newLog(con.err, c.LogLevel, c.LogFormat)
	// Libraries write to the standard logger, sometimes what a provider sent.
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(log)
	gateway, err := app.New(ctx, c.Options, con.version, log)
	if err != nil && ctx.Err() != nil {
		log.Info("stopped before it was ready", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer gateway.Stop()
	if err := gateway.Start(); err != nil {
		return err
	}
	return gateway.Wait(ctx)
}

type healthcheckCmd struct {
	Addr string `help:"Address that the gateway listens on." default:":8000" env:"DISPATCHAPY_ADDR"`
}

// Run asks the gateway on this machine whether it is ready.
func (c *healthcheckCmd) Run(ctx context.Context) error {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "--addr: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+app.LocalAddr(c.Addr)+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", res.Status)
	}
	return nil
}
