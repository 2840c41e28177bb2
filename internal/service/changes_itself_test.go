package service_test

import (
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// TestAClientDoesNotChangeItselfAllTheTime: by its rules and by its token.
func TestAClientDoesNotChangeItselfAllTheTime(t *testing.T) {
	n := startNode(t)
	n.apply("version: 1\nclients: [{name: shop, endpoints: [sms], may_rotate_token: true}]\n", service.ApplyOptions{})
	shop := n.client("shop-token-1234")
	var err error
	for i := 0; err == nil && i < 100; i++ {
		if _, err = n.RotateToken(t.Context(), shop, shop.ClientID, nil, 0); err == nil {
			_, err = n.UpdateClientDev(t.Context(), shop, shop.ClientID, nil, func(*dispatchapy.ClientDev) error { return nil })
			if dispatchapy.ErrorCode(err) == dispatchapy.CodePrecondition {
				err = nil
			}
		}
	}
	wantCode(t, err, dispatchapy.CodeLimited)
	_, err = n.RotateToken(t.Context(), shop, shop.ClientID, nil, 0)
	wantCode(t, err, dispatchapy.CodeLimited)
	if _, err := n.RotateToken(t.Context(), admin, shop.ClientID, nil, 0); err != nil {
		t.Errorf("an administrator: %v", err)
	}
	_, err = n.RotateToken(t.Context(), shop, shop.ClientID+1, nil, 0)
	wantCode(t, err, dispatchapy.CodeNotFound)
}
