package people

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dispatchapy"
)

func TestHashesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(cheap())
		var leave []func()
		for range hashesAtOnce {
			l, err := h.enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, l)
		}
		results := make(chan error, hashQueue)
		for range hashQueue {
			go func() {
				_, err := h.hash(t.Context(), "some password")
				results <- err
			}()
		}
		synctest.Wait()
		if len(results) > 0 {
			t.Fatal("more hashes at once than allowed")
		}
		_, err := h.hash(t.Context(), "some password")
		wantCode(t, err, dispatchapy.CodeUnavailable)

		for _, l := range leave {
			l()
		}
		for range hashQueue {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if len(h.waiting)+len(h.working) > 0 {
			t.Error("places were not given back")
		}
	})
}

func TestWaitingForAHashIsGivenUp(t *testing.T) {
	h := newHasher(cheap())
	for range hashesAtOnce {
		if _, err := h.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.hash(ctx, "some password")
	wantCode(t, err, dispatchapy.CodeUnavailable)
	if len(h.waiting) != hashesAtOnce {
		t.Error("its place was not given back")
	}
}

func TestTheDummyIsHashedLikeAPassword(t *testing.T) {
	h := newHasher(cheap())
	real, err := h.hash(t.Context(), "some password")
	if err != nil {
		t.Fatal(err)
	}
	cost := func(hash string) string { return strings.Join(strings.Split(hash, "$")[:4], "$") }
	if cost(real) != cost(h.dummy) || len(real) != len(h.dummy) {
		t.Errorf("%q and %q take different work", real, h.dummy)
	}
	if right, _, err := h.check(t.Context(), "some password", h.dummy); right || err != nil {
		t.Error(right, err)
	}
}

func TestRecentPasswordsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(cheap())
		h.recent.add("right", "hash")
		for _, tt := range []struct {
			password dispatchapy.Secret
			hash     string
			want     bool
		}{{"right", "hash", true}, {"wrong", "hash", false}, {"right", "new hash", false}} {
			if got := h.recent.has(tt.password, tt.hash); got != tt.want {
				t.Errorf("%q for %q: %v", tt.password.Reveal(), tt.hash, got)
			}
		}
		time.Sleep(rememberFor)
		if h.recent.has("right", "hash") {
			t.Error("it is remembered for too long")
		}
	})
}

func TestPasswordFault(t *testing.T) {
	for n, ok := range map[int]bool{0: false, minPassword - 1: false, minPassword: true, maxPassword: true, maxPassword + 1: false} {
		if got := passwordFault(dispatchapy.Secret(strings.Repeat("x", n))) == ""; got != ok {
			t.Errorf("a password of %d bytes: %v", n, got)
		}
	}
}
