// Package demo shows the gateway at work: three providers that misbehave, a
// trickle of messages, and a line for everything that happens to them.
package demo

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"
)

// Gateway is a running gateway.
type Gateway struct {
	URL        string // http://host:port
	AdminToken string // of the management API
	Stop       func() // ends it; called once
}

// StartFunc starts a gateway on addr with a new database and the gateway file.
type StartFunc func(ctx context.Context, addr string, gatewayFile []byte) (Gateway, error)

// Options of the demo.
type Options struct {
	Out   io.Writer
	Addr  string // that the gateway listens on, default 127.0.0.1:8000
	Start StartFunc

	pace pace
}

// pace is how fast the story is told.
type pace struct {
	message time.Duration // from one message to the next
	look    time.Duration // from one look at the gateway to the next
	life    time.Duration // how long the pager lives, and how long it is dead
	ending  time.Duration // how long the last messages may take
}

var normalPace = pace{
	message: 600 * time.Millisecond,
	look:    150 * time.Millisecond,
	life:    8 * time.Second,
	ending:  15 * time.Second,
}

//go:embed gateway.yaml
var gatewayFile string

// Run tells the story until ctx ends, then lets the last messages arrive and
// sums up. An error means that it could not be told.
func Run(ctx context.Context, o Options) error {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:8000"
	}
	if o.pace == (pace{}) {
		o.pace = normalPace
	}
	providers, err := startProviders(ctx)
	if err != nil {
		return fmt.Errorf("starting the providers: %w", err)
	}
	defer providers.stop()
	clientToken := "dpy_" + rand.Text() + rand.Text()[:17]
	gateway, err := o.Start(ctx, o.Addr, configuration(providers, clientToken))
	if err != nil {
		return fmt.Errorf("starting the gateway: %w", err)
	}
	defer gateway.Stop()

	client := newClient(gateway, clientToken)
	defer client.http.CloseIdleConnections()
	introduce(o.Out, gateway, clientToken, o.pace)
	s := newStory(o.Out, client)
	if err := tell(ctx, o.pace, providers, client, s); err != nil {
		return err
	}
	if err := conclude(ctx, o.pace, providers, s); err != nil {
		return err
	}
	s.sumUp(providers)
	return nil
}

// configuration is the gateway file with the addresses of this run.
func configuration(p *providers, clientToken string) []byte {
	return []byte(strings.NewReplacer(
		"SMS_PRIMARY", p.primary.addr,
		"SMS_BACKUP", p.backup.addr,
		"PAGER", p.pager.addr,
		"CLIENT_TOKEN", clientToken,
	).Replace(gatewayFile))
}

func introduce(w io.Writer, g Gateway, clientToken string, p pace) {
	fmt.Fprintf(w, `A gateway, three providers that misbehave, and some messages.

  send_sms  goes to sms-primary (two of five requests fail), else to sms-backup (works, but is slow)
  alert     goes to pager (%s alive, %[1]s dead, and so on), else to sms-backup
  report    goes to pager and nowhere else: while it is dead, reports wait

Look around, or send something yourself, from another terminal:

  curl -H 'Authorization: Bearer %[2]s' %[3]s/v1/tasks
  curl -H 'Authorization: Bearer %[2]s' %[3]s/v1/resources
  curl -H 'X-API-Token: %[4]s' -H 'Content-Type: application/json' \
    -d '{"ref":"me-1","scope":"demo","phone":"+6281234567890","message":"Hello"}' %[3]s/api/send_sms

Ctrl-C ends it with a summary.

`, p.life, g.AdminToken, g.URL, clientToken)
}

// tell sends messages and reports what becomes of them until ctx ends.
func tell(ctx context.Context, p pace, providers *providers, c *client, s *story) error {
	message, look, life := time.NewTicker(p.message), time.NewTicker(p.look), time.NewTicker(p.life)
	defer message.Stop()
	defer look.Stop()
	defer life.Stop()
	for sent := 0; ; {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-message.C:
			err = c.send(ctx, sent)
			sent++
		case <-life.C:
			err = providers.togglePager(ctx)
		case <-look.C:
			err = s.look(ctx)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// conclude revives the pager and waits for what is still under way.
func conclude(ctx context.Context, p pace, providers *providers, s *story) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.ending)
	defer cancel()
	s.say("\nThe pager comes back for good, so that the last messages can arrive.\n")
	if err := providers.revivePager(ctx); err != nil {
		return err
	}
	look := time.NewTicker(p.look)
	defer look.Stop()
	for {
		if err := s.look(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // the summary says what is missing
			}
			return err
		}
		if s.settled() {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}
