package service_test

import (
	"testing"
	"time"

	"dispatchapy"
)

func TestMaintenanceStartsAndEndsAtOnce(t *testing.T) {
	n := startNode(t)
	id := n.resource("primary").ID
	_, err := n.EndMaintenance(t.Context(), admin, id)
	wantCode(t, err, dispatchapy.CodeConflict)
	now := time.Now()
	over := dispatchapy.Maintenance{From: now.Add(-2 * time.Hour), Until: now.Add(-time.Hour)}
	if _, err := n.StartMaintenance(t.Context(), admin, id, over); err != nil {
		t.Fatal(err)
	}
	begun := dispatchapy.Maintenance{From: now.Add(-time.Hour), Until: now.Add(time.Hour), Note: "new cable"}
	r, err := n.StartMaintenance(t.Context(), admin, id, begun)
	if err != nil || r.Planned == nil || r.Planned.Note != "new cable" || len(r.Maintenance) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	r, err = n.StartMaintenance(t.Context(), admin, id, dispatchapy.Maintenance{Until: now.Add(3 * time.Hour)})
	if err != nil || len(r.Maintenance) != 2 || r.Maintenance[1].From.After(time.Now()) {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err = n.EndMaintenance(t.Context(), admin, id); err != nil || r.Planned != nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if first := r.Maintenance[0]; !first.From.Equal(begun.From.UTC().Truncate(time.Second)) || first.Until.After(time.Now()) {
		t.Errorf("what was worked is not kept: %+v", r.Maintenance)
	}
	_, err = n.StartMaintenance(t.Context(), admin, id, dispatchapy.Maintenance{Until: now.Add(-time.Minute)})
	if f := fieldsOf(err); len(f) != 1 || f[0].Path != "maintenance[0].until" {
		t.Errorf("an end in the past: %v", err)
	}
	always := dispatchapy.Maintenance{Weekly: &dispatchapy.Weekly{Days: dispatchapy.Weekdays, At: "00:00", For: dispatchapy.Duration(25 * time.Hour)}}
	if _, err := n.StartMaintenance(t.Context(), admin, id, always); err == nil {
		t.Error("a weekly window with a beginning is taken")
	}
	version := n.resource("primary").Version
	if _, err := n.UpdateResource(t.Context(), admin, id, &version, func(r *dispatchapy.Resource) error {
		r.Maintenance = []dispatchapy.Maintenance{always}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	_, err = n.EndMaintenance(t.Context(), admin, id)
	wantCode(t, err, dispatchapy.CodeConflict)
	_, err = n.EndMaintenance(t.Context(), admin, 999)
	wantCode(t, err, dispatchapy.CodeNotFound)
}
