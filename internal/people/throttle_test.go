package people

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailuresDoubleTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		want := []time.Duration{0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60}
		for i, want := range want {
			a, wait := th.begin(fmt.Sprint("address", i), "admin")
			if a == nil {
				t.Fatalf("attempt %d is refused for %v", i+1, wait)
			}
			if got := th.wait("elsewhere", "admin"); got != want*time.Second {
				t.Errorf("after failure %d: %v, want %v", i+1, got, want*time.Second)
			}
			if th.wait("elsewhere", "other") != 0 {
				t.Error("another name has to wait as well")
			}
			time.Sleep(want * time.Second)
		}
		a, _ := th.begin("address", "admin")
		a.succeeded()
		if th.wait("address", "admin") != 0 {
			t.Error("after a success the name still has to wait")
		}
	})
}

func TestFailuresAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range freeFailures {
			th.begin("a", "admin")
		}
		time.Sleep(forgetAfter + time.Second)
		th.begin("a", "admin")
		if wait := th.wait("a", "admin"); wait != 0 {
			t.Errorf("one failure costs %v", wait)
		}
	})
}

func TestASuccessDoesNotHelpGuessingAnotherName(t *testing.T) {
	th := newThrottle()
	for range freeFailures - 1 {
		th.begin("a", "admin")
	}
	mine, _ := th.begin("a", "mine")
	mine.succeeded()
	th.begin("a", "admin2")
	if th.wait("a", "admin3") == 0 {
		t.Error("the failures of the address were forgotten with a success of another name")
	}
}

func TestASuccessDoesNotBlockItsAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for i := range freeFailures {
			th.begin("a", fmt.Sprint("name", i))
		}
		time.Sleep(longestDelay)
		mine, _ := th.begin("a", "mine")
		mine.succeeded()
		if wait := th.wait("a", "mine"); wait != 0 {
			t.Errorf("after a success it has to wait for %v", wait)
		}
	})
}

func TestAttemptsOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for i := range perMinute {
			a, wait := th.begin("a", fmt.Sprint("name", i))
			if a == nil {
				t.Fatalf("attempt %d: wait %v", i+1, wait)
			}
			a.succeeded()
			time.Sleep(time.Second)
		}
		if _, wait := th.begin("a", "another"); wait != time.Minute-perMinute*time.Second {
			t.Errorf("one attempt too many has to wait for %v", wait)
		}
		if a, _ := th.begin("b", "another"); a == nil {
			t.Error("another address has to wait as well")
		}
		time.Sleep(time.Minute)
		if a, _ := th.begin("a", "another"); a == nil {
			t.Error("it still has to wait in the next minute")
		}
	})
}

func TestManyAtOnceAreNoWayAround(t *testing.T) {
	th := newThrottle()
	through := 0
	for range 100 {
		if a, _ := th.begin("a", "admin"); a != nil {
			through++ // and its answer is not there yet
		}
	}
	if through != freeFailures {
		t.Errorf("%d attempts run at the same time", through)
	}
}

func TestWithdrawnAttemptsDoNotCount(t *testing.T) {
	th := newThrottle()
	for range perMinute {
		a, wait := th.begin("a", "admin")
		if a == nil {
			t.Fatalf("wait %v", wait)
		}
		a.withdrawn()
	}
}

func TestTrackersAreBounded(t *testing.T) {
	th := newThrottle()
	for i := range trackedMost + 100 {
		th.begin(fmt.Sprint("address", i), fmt.Sprint("name", i))
	}
	for _, tr := range []*tracker{th.addresses, th.names} {
		if len(tr.records) != trackedMost || tr.order.Len() != trackedMost {
			t.Errorf("%d records, %d in order", len(tr.records), tr.order.Len())
		}
	}
	if th.names.records["name0"] != nil || th.names.records[fmt.Sprint("name", trackedMost)] == nil {
		t.Error("not the oldest were dropped")
	}
}

func TestAddressKey(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:80":           "192.0.2.1",
		"192.0.2.1":              "192.0.2.1",
		"[::ffff:192.0.2.1]:80":  "192.0.2.1",
		"[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1":   "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":      "fe80::/64",
		"@":                      "@",
		"":                       "",
		"2001:db8:1:3::1":        "2001:db8:1:3::/64",
	} {
		if got := addressKey(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestGuessingANameDoesNotKeepItsOwnerOut, where they signed in before.
func TestGuessingANameDoesNotKeepItsOwnerOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		mine, _ := th.begin("home", "admin")
		mine.succeeded()
		for i := range freeFailures {
			th.begin(fmt.Sprint("elsewhere", i), "admin")
		}
		if th.wait("abroad", "admin") == 0 {
			t.Error("the name is not blocked: this tests nothing")
		}
		if wait := th.wait("home", "admin"); wait != 0 {
			t.Errorf("its owner has to wait for %v", wait)
		}
		if th.wait("home", "other") != 0 {
			t.Error("the address is blocked")
		}
		// Whoever guesses there is slowed down all the same.
		for range freeFailures {
			th.begin("home", "admin")
		}
		if th.wait("home", "admin") == 0 {
			t.Error("nobody is slowed down where the name is known")
		}
	})
}

func TestKnownAddressesAreBounded(t *testing.T) {
	th := newThrottle()
	for i := range trackedMost + 10 {
		a, _ := th.begin(fmt.Sprint(i), fmt.Sprint("name", i))
		a.succeeded()
	}
	if n := len(th.known.records); n != trackedMost {
		t.Errorf("%d addresses are known", n)
	}
}
