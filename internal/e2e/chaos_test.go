package e2e_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

// TestEverythingAtOnce lets providers fail in turn, changes the configuration
// and ends the gateway in either way, all under load on two endpoints that
// share providers. In the end every acknowledged message is delivered.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	const lives, steps = 6, 6
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	faults := []behaviour{
		works, works, works, takes(20 * time.Millisecond), hangs(make(chan struct{})), resets, babbles,
		answers(http.StatusInternalServerError), answers(http.StatusServiceUnavailable, "Retry-After", "1"),
		answers(http.StatusTooManyRequests), answers(http.StatusFound),
	}
	providers := map[string]*provider{"a": newProvider(t, works), "b": newProvider(t, works), "c": newProvider(t, works)}
	dir, acked := t.TempDir(), map[string]int64{}
	for life := range lives {
		g := launch(t, dir, chaosFile(providers, life), "--grace", "300ms")
		first, second := g.load(t, "first", fmt.Sprintf("f%d-", life)), g.load(t, "second", fmt.Sprintf("s%d-", life))
		for step := range steps {
			providers[string("abc"[random.IntN(3)])].now(faults[random.IntN(len(faults))])
			g.apply(t, chaosFile(providers, random.IntN(100)))
			first.awaitAcked(t, 20*(step+1))
			second.awaitAcked(t, 20*(step+1))
		}
		if random.IntN(2) == 0 {
			g.kill()
		} else if code := g.terminate(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		maps.Copy(acked, first.end())
		maps.Copy(acked, second.end())
	}

	for _, p := range providers {
		p.now(works)
	}
	g := launch(t, dir, chaosFile(providers, 0))
	g.awaitQuiet(t, leaseEnd)
	checkChaos(t, g.gateway, providers, acked)
}

// checkChaos compares what was acknowledged, what the gateway says and what the
// providers got.
func checkChaos(t *testing.T, g *gateway, providers map[string]*provider, acked map[string]int64) {
	t.Helper()
	arrived := map[string]int{} // by ref
	for name, p := range providers {
		keyOf := map[string]string{}
		for _, r := range p.all() {
			ref := r.ref()
			if before, known := keyOf[ref]; r.Key == "" || known && before != r.Key {
				t.Errorf("message %s came to %s under the keys %q and %q", ref, name, before, r.Key)
			}
			keyOf[ref] = r.Key
			if r.Accepted {
				arrived[ref]++
			}
		}
	}
	succeeded := map[string]int64{}
	for _, found := range g.tasks(t, "") {
		if found.Status != "success" || arrived[found.Ref] == 0 {
			t.Errorf("task %d (%s) is %s and arrived %d times: %s", found.ID, found.Ref, found.Status, arrived[found.Ref], found.LastError)
		}
		succeeded[found.Ref] = found.ID
	}
	for ref, id := range acked {
		if succeeded[ref] != id {
			t.Errorf("task %d (%s) was acknowledged and is lost", id, ref)
		}
	}
	twice := 0
	for ref, n := range arrived {
		if succeeded[ref] == 0 {
			t.Errorf("message %s arrived without a task", ref)
		}
		twice += n - 1
	}
	t.Logf("%d acknowledged, %d stored, %d sent twice", len(acked), len(succeeded), twice)
}

// chaosFile is two endpoints over three providers with every kind of limit.
func chaosFile(providers map[string]*provider, variant int) string {
	return fill(`
version: 1
settings: {max_attempts: 1000, retry: {base: 10ms, factor: 1.5, cap: 200ms, jitter: 0.5}}
resources:
  - {name: a, url: "$a", timeout: 150ms, health_check: {enabled: true, interval: {min: 1s, max: 1s}}}
  - {name: b, url: "$b", timeout: 150ms, concurrency: 20}
  - {name: c, url: "$c", timeout: 150ms, rate_limit: {requests: 500, burst: 20}}
endpoints:
  - path: first
    resources: [a, b, c]
    mapping: {a: {ref: {from: ref}}, b: {ref: {from: ref}}, c: {ref: {from: ref}, variant: {value: $variant}}}
  - path: second
    resources: [c, a]
    mapping: {a: {ref: {from: ref}, variant: {value: $variant}}, c: {ref: {from: ref}}}
clients:
  - {name: shop, token: `+shopToken+`, endpoints: [first, second]}
`, map[string]string{
		"a": providers["a"].url(), "b": providers["b"].url(), "c": providers["c"].url(), "variant": fmt.Sprint(variant),
	})
}
