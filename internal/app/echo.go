package app

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
)

// EchoPath is where the gateway plays a provider for itself, so that a first
// message can be delivered before there is a real one.
const EchoPath = "/echo"

// maxEcho is how many bytes a message to the echo may have.
const maxEcho = 1 << 20

// echo answers messages with what it got. It is there for the gateway itself:
// whoever comes from another host, or through a proxy on this one, finds
// nothing.
func echo(w http.ResponseWriter, r *http.Request) {
	if !fromHere(r) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEcho))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		answer(w, http.StatusRequestEntityTooLarge, "refused", "the echo takes at most "+strconv.Itoa(maxEcho)+" bytes")
		return
	case err != nil:
		answer(w, http.StatusBadRequest, "refused", "the body could not be read")
		return
	}
	got := json.RawMessage(body)
	if !json.Valid(body) {
		got, _ = json.Marshal(string(body)) // a string always can be
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "ok", "received": got}) // the peer may be gone
}

// passedOn are headers of requests that a proxy passes on for somebody else.
var passedOn = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"}

// fromHere reports whether a request comes from this machine itself.
func fromHere(r *http.Request) bool {
	for _, name := range passedOn {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	if peer.Addr().Unmap().IsLoopback() {
		return true
	}
	// A listener on one address only is reached from there.
	own, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && own.AddrPort().Addr().Unmap() == peer.Addr().Unmap()
}

// echoURL gives the address at which the gateway reaches its own echo: that of
// its listener, whatever names it is known by.
func echoURL(listener net.Addr) string {
	own, ok := listener.(*net.TCPAddr)
	if !ok {
		return ""
	}
	host := own.AddrPort().Addr().Unmap()
	if host.IsUnspecified() {
		host = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return "http://" + netip.AddrPortFrom(host.WithZone(""), own.AddrPort().Port()).String() + EchoPath
}
