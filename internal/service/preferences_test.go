package service_test

import (
	"fmt"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/store"
)

func TestPreferencesBelongToAPerson(t *testing.T) {
	n := startNode(t)
	ann := dispatchapy.Principal{Name: "ann", Role: dispatchapy.RoleViewer, UserID: 7}
	bob := dispatchapy.Principal{Name: "bob", Role: dispatchapy.RoleAdmin, UserID: 8}
	shop := n.client("shop-token-1234")
	for i, p := range []dispatchapy.Principal{ann, bob, shop} {
		if _, err := n.SetPreference(t.Context(), p, "views", fmt.Appendf(nil, `{"n":%d}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range []dispatchapy.Principal{ann, bob, shop} {
		got, err := n.Preference(t.Context(), p, "views")
		if err != nil || string(got.Value) != fmt.Sprintf(`{"n":%d}`, i) {
			t.Errorf("%s reads %s, %v", p.Name, got.Value, err)
		}
		list, err := n.Preferences(t.Context(), p)
		if err != nil || len(list) != 1 {
			t.Errorf("%s has %+v, %v", p.Name, list, err)
		}
	}
	if err := n.DeletePreference(t.Context(), ann, "views"); err != nil {
		t.Fatal(err)
	}
	_, err := n.Preference(t.Context(), ann, "views")
	wantCode(t, err, dispatchapy.CodeNotFound)
	wantCode(t, n.DeletePreference(t.Context(), ann, "views"), dispatchapy.CodeNotFound)
	if _, err := n.Preference(t.Context(), bob, "views"); err != nil {
		t.Errorf("the other user's is gone as well: %v", err)
	}

	token := dispatchapy.Principal{Name: "robot", Role: dispatchapy.RoleAdmin}
	_, err = n.SetPreference(t.Context(), token, "views", []byte("1"))
	wantCode(t, err, dispatchapy.CodeForbidden)
	_, err = n.Preferences(t.Context(), token)
	wantCode(t, err, dispatchapy.CodeForbidden)
}

func TestPreferencesAreBounded(t *testing.T) {
	n := startNode(t)
	ann := dispatchapy.Principal{Name: "ann", Role: dispatchapy.RoleViewer, UserID: 7}
	for name, tt := range map[string]struct{ name, value, field string }{
		"no name":         {"", "1", "name"},
		"capital letters": {"Views", "1", "name"},
		"a long name":     {strings.Repeat("x", 65), "1", "name"},
		"a path":          {"../x", "1", "name"},
		"no JSON":         {"views", "{", "value"},
		"nothing":         {"views", "", "value"},
		"too large":       {"views", `"` + strings.Repeat("x", 16<<10) + `"`, "value"},
	} {
		_, err := n.SetPreference(t.Context(), ann, tt.name, []byte(tt.value))
		wantCode(t, err, dispatchapy.CodeInvalid)
		if fields := fieldsOf(err); len(fields) != 1 || fields[0].Path != tt.field {
			t.Errorf("%s: fields %+v, want %s", name, fields, tt.field)
		}
	}
	for i := range store.MaxPreferences {
		if _, err := n.SetPreference(t.Context(), ann, fmt.Sprint("view-", i), []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	_, err := n.SetPreference(t.Context(), ann, "more", []byte("1"))
	wantCode(t, err, dispatchapy.CodeConflict)
}
