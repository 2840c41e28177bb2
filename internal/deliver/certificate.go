package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"time"
)

// CertificateEnds looks when the certificate expires that a server at host:port
// shows, under the same guard as a delivery. Nothing is sent but the handshake.
func (c *Client) CertificateEnds(ctx context.Context, addr string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := c.dialer.dialTLS(ctx, "tcp", addr)
	if err != nil {
		if ends := endOf(err); !ends.IsZero() {
			return ends, nil
		}
		return time.Time{}, err
	}
	defer conn.Close()
	if secured, ok := conn.(*tls.Conn); ok {
		state := secured.ConnectionState()
		return certificateEnds(&state), nil
	}
	return time.Time{}, errors.New("no certificate")
}

// certificateEnds gives the end of the certificate of a connection; zero if it
// is not known: a connection that resumes an old one may show the certificate
// from before its renewal.
func certificateEnds(state *tls.ConnectionState) time.Time {
	if state == nil || state.DidResume || len(state.PeerCertificates) == 0 {
		return time.Time{}
	}
	return state.PeerCertificates[0].NotAfter
}

// endOf finds the end of a certificate that was refused: it may have been
// refused because of it.
func endOf(err error) time.Time {
	if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(refused.UnverifiedCertificates) > 0 {
		return refused.UnverifiedCertificates[0].NotAfter
	}
	return time.Time{}
}
