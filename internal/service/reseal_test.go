package service_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/sealer"
	"dispatchapy/internal/service"
	"dispatchapy/internal/store"
)

func TestReseal(t *testing.T) {
	db := openStore(t)
	old := newNode(t, db, 1)
	old.refresh()
	old.apply(baseFile, service.ApplyOptions{})

	// A user is sealed like the rest, though this package does not read it.
	oldKey, newKey := sealer.Key(bytes.Repeat([]byte{1}, 32)), sealer.Key(bytes.Repeat([]byte{2}, 32))
	oldBox, err := sealer.New(oldKey)
	if err != nil {
		t.Fatal(err)
	}
	identity := []byte("config\x00user\x00ann")
	if _, _, err := db.ApplyConfig(t.Context(), store.ConfigUpdate{Expect: 1, Put: []store.ConfigObject{{
		Kind: store.KindUser, Name: "ann", Body: oldBox.Seal([]byte("{}"), identity),
	}}}); err != nil {
		t.Fatal(err)
	}

	both, err := sealer.New(newKey, oldKey)
	if err != nil {
		t.Fatal(err)
	}
	empty, err := routing.Compile(&dispatchapy.Config{Settings: dispatchapy.DefaultSettings()})
	if err != nil {
		t.Fatal(err)
	}
	s := service.New(service.Options{Store: db, Table: routing.NewTable(empty), Box: both, Log: slog.New(slog.DiscardHandler)})
	viewer := dispatchapy.Principal{Name: "v", Role: dispatchapy.RoleViewer}
	if _, err := s.Reseal(t.Context(), viewer); dispatchapy.ErrorCode(err) != dispatchapy.CodeForbidden {
		t.Errorf("a viewer: %v", err)
	}
	_, before, err := db.LoadConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Reseal(t.Context(), admin)
	if err != nil || n != len(before) {
		t.Fatalf("Reseal = %d, %v; want all %d objects", n, err, len(before))
	}
	if n, err := s.Reseal(t.Context(), admin); n != 0 || err != nil {
		t.Errorf("again: %d, %v; want nothing to do", n, err)
	}

	// The new key alone opens everything, the old one nothing.
	newBox, err := sealer.New(newKey)
	if err != nil {
		t.Fatal(err)
	}
	_, objects, err := db.LoadConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if !newBox.Current(o.Body) {
			t.Errorf("%s %s is still sealed with the old key", o.Kind, o.Name)
		}
		if o.Kind == store.KindUser {
			if body, err := newBox.Open(o.Body, identity); err != nil || string(body) != "{}" {
				t.Errorf("the user: %s, %v", body, err)
			}
		}
	}
	fresh := newNode(t, db, 2)
	fresh.refresh()
	page, err := fresh.ListAudit(t.Context(), admin, service.AuditFilter{Kind: "resource"}, service.PageRequest{})
	if err != nil || len(page.Items) != 3 {
		t.Fatal(page, err)
	}
	for _, e := range page.Items {
		if !bytes.Contains(e.After, []byte(`"url"`)) {
			t.Errorf("the audit of %s is lost: %s", e.Name, e.After)
		}
	}
	if _, ok := fresh.Authenticate("shop-token-1234"); !ok {
		t.Error("the configuration lost a client")
	}
	if _, err := newNode(t, db, 1).Refresh(t.Context()); !errors.Is(err, sealer.ErrUnknownKey) {
		t.Errorf("with the old key: %v", err)
	}
}
