package deliver

import (
	"context"
	"errors"
	"net"

	"dispatchapy"
)

// Connect makes a TCP connection under the guard, for what speaks another protocol
// than HTTP. It takes at most as long as the dial of an attempt. A refusal of
// the guard is a *dispatchapy.Error of CodeForbidden. The connection outlives
// the client: whoever dialled closes it.
func (c *Client) Connect(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := c.dialer.dial(ctx, network, addr)
	if blocked, ok := errors.AsType[*blockedError](err); ok {
		return nil, &dispatchapy.Error{Code: dispatchapy.CodeForbidden, Message: blocked.reason, Err: err}
	}
	return nc, err
}
