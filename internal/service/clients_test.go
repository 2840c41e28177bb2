package service_test

import (
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

func TestRotateToken(t *testing.T) {
	n := startNode(t)
	ctx := t.Context()
	shop := n.clientNamed("shop")
	works := func(token dispatchapy.Secret) bool { _, ok := n.Authenticate(token); return ok }

	first, err := n.RotateToken(ctx, admin, shop.ID, nil, 24*time.Hour)
	if err != nil || !works(first.Token) || !works("shop-token-1234") {
		t.Fatalf("during the overlap both tokens work: %v", err)
	}
	if left := time.Until(first.OldTokenUntil); left < 23*time.Hour || left > 24*time.Hour {
		t.Errorf("the old one works for %s", left)
	}
	if _, err := n.UpdateClient(ctx, admin, shop.ID, &first.Version, func(c *dispatchapy.Client) error { c.Description = "x"; return nil }); err != nil {
		t.Fatal(err)
	}
	if !works(first.Token) || !works("shop-token-1234") {
		t.Error("another change of the client ended a token")
	}
	n.apply("version: 1\nclients: [{name: shop, endpoints: [sms]}]\n", service.ApplyOptions{})
	if !works("shop-token-1234") || n.stored().Client("shop").OldTokens == nil {
		t.Error("applying a file without the token ended the old one")
	}
	last, err := n.RotateToken(ctx, admin, shop.ID, nil, 0)
	if err != nil || !works(last.Token) || works(first.Token) || works("shop-token-1234") || !last.OldTokenUntil.IsZero() {
		t.Errorf("without overlap the old ones end at once: %v", err)
	}
	var all []dispatchapy.Secret
	for range dispatchapy.MaxOldTokens + 2 {
		made, err := n.RotateToken(ctx, admin, shop.ID, nil, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, made.Token)
	}
	if works(all[0]) || !works(all[1]) {
		t.Error("the oldest of too many makes way")
	}
	shop = n.clientNamed("shop")
	if _, err := n.UpdateClient(ctx, admin, shop.ID, &shop.Version, func(c *dispatchapy.Client) error { c.Token = "given-token-1"; return nil }); err != nil {
		t.Fatal(err)
	}
	if !works("given-token-1") || works(all[len(all)-1]) {
		t.Error("a token that is given ends all others")
	}
}

// TestClientsRotateTheirTokens: a client may only if it was allowed to, and only
// its own.
func TestClientsRotateTheirTokens(t *testing.T) {
	n := startNode(t)
	ctx := t.Context()
	shop, bank := n.clientNamed("shop"), n.clientNamed("bank")
	who := n.client("shop-token-1234")
	_, err := n.RotateToken(ctx, who, shop.ID, nil, 0)
	wantCode(t, err, dispatchapy.CodeForbidden)
	n.apply("version: 1\nclients: [{name: shop, endpoints: [sms], may_rotate_token: true}]\n", service.ApplyOptions{})
	_, err = n.RotateToken(ctx, who, bank.ID, nil, 0)
	wantCode(t, err, dispatchapy.CodeNotFound)
	_, err = n.RotateToken(ctx, who, shop.ID, &shop.Version, 0)
	wantConflict(t, err, dispatchapy.CodeConflict)
	shop = n.clientNamed("shop")
	made, err := n.RotateToken(ctx, who, shop.ID, &shop.Version, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := n.Authenticate(made.Token); !ok {
		t.Error("the new token does not work")
	}
	if _, ok := n.Authenticate("shop-token-1234"); ok {
		t.Error("the old token works")
	}
}
