package service_test

import (
	"slices"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/service"
)

// TestChecksAreFoundByFilter pages through a log that is longer than what is
// read at once.
func TestChecksAreFoundByFilter(t *testing.T) {
	n := startNode(t)
	id := n.resource("primary").ID
	begin := time.Now().Add(-10 * time.Hour)
	for i := range 450 {
		by := ""
		if i%100 == 50 {
			by = "root"
		}
		n.checked(id, begin.Add(time.Duration(i)*time.Minute), i%10 != 0, by, time.Minute)
	}
	for name, tt := range map[string]struct {
		filter service.CheckFilter
		want   int
	}{
		"all": {service.CheckFilter{}, 450}, "failed": {service.CheckFilter{Failed: true}, 45}, "asked for": {service.CheckFilter{Manual: true}, 4}, "both": {service.CheckFilter{Failed: true, Manual: true}, 4},
	} {
		for _, limit := range []int{1, 7, 200} {
			var found []int64
			ask := service.PageRequest{Limit: limit}
			for more := true; more; more = ask.Cursor != "" {
				page, err := n.FindChecks(t.Context(), admin, id, tt.filter, ask)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range page.Items {
					if tt.filter.Failed && c.OK || tt.filter.Manual && !c.Manual {
						t.Errorf("%s: %+v", name, c)
					}
					found = append(found, c.ID)
				}
				ask.Cursor = page.Next
			}
			if len(found) != tt.want || !slices.IsSortedFunc(found, func(a, b int64) int { return int(b - a) }) {
				t.Errorf("%s by %d: %d checks, want %d, newest first", name, limit, len(found), tt.want)
			}
		}
	}
	_, err := n.FindChecks(t.Context(), admin, 4711, service.CheckFilter{}, service.PageRequest{})
	wantCode(t, err, dispatchapy.CodeNotFound)
	page, err := n.FindChecks(t.Context(), n.client("shop-token-1234"), id, service.CheckFilter{Manual: true}, service.PageRequest{})
	if err != nil || len(page.Items) == 0 || page.Items[0].By != "" {
		t.Errorf("a client sees who asked: %+v, %v", page.Items, err)
	}
	resource, err := n.Resource(t.Context(), n.client("shop-token-1234"), id)
	if want := "no answer: refused"; err != nil || page.Items[0].Detail != want || resource.LastCheck.Detail != want {
		t.Errorf("a client reads what was said to a check: %q and %q, %v", page.Items[0].Detail, resource.LastCheck.Detail, err)
	}
}
