package cli

import (
	"context"
	"errors"
)

type demoCmd struct{}

// Run runs the demo.
func (c *demoCmd) Run(ctx context.Context, con *console) error { return errors.New("not yet") }
