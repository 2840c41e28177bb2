package original

import (
	"context"
	"maps"
	"slices"

	"dispatchapy"
)

// maxChecks is how many checks are brought over per resource, which is as many
// as this gateway keeps.
const maxChecks = 1000

// readChecks reads the history of every resource, newest first as far as it is
// kept, and puts it in the order of time.
func (r *reader) readChecks(ctx context.Context) error {
	if !r.file.tables["health_check_logs"] {
		return nil
	}
	const query = "SELECT * FROM health_check_logs WHERE resource_id = ? ORDER BY id DESC LIMIT ?"
	for _, id := range slices.Sorted(maps.Keys(r.world.resources)) {
		o := r.world.resources[id]
		err := r.file.each(ctx, query, []any{id, maxChecks}, func(row row) {
			if c, ok := check(row, o); ok {
				r.checks = append(r.checks, c)
			}
		})
		if err != nil {
			return err
		}
	}
	slices.Reverse(r.checks)
	slices.SortStableFunc(r.checks, func(a, b Check) int { return a.At.Compare(b.At) })
	total, err := r.file.count(ctx, "SELECT count(*) FROM health_check_logs")
	if lost := total - int64(len(r.checks)); lost > 0 {
		r.note("health checks of resources that do not exist, without a time, or older than the latest %d, left out: %d", maxChecks, lost)
	}
	return err
}

// check reads one check; ok is false if it has no time or is older than the
// resource, which then has got the id of a deleted one.
func check(row row, resource object) (c Check, ok bool) {
	c.Resource = resource.name
	c.At = row.time("created_at")
	if c.At.IsZero() || resource.since.After(c.At) {
		return c, false
	}
	c.Method = dispatchapy.CheckSimple
	if row.text("method") == string(dispatchapy.CheckActual) {
		c.Method = dispatchapy.CheckActual
	}
	c.OK = row.on("is_success")
	c.StatusCode = statusCode(row.text("status_code"))
	c.Detail = clip(row.text("response_text"), maxDetail)
	// One check decided in the original.
	c.State = dispatchapy.HealthUp
	if !c.OK {
		c.State = dispatchapy.HealthDown
		c.Error = classify(c.StatusCode, c.Detail)
	}
	return c, true
}
