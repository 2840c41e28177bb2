package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"dispatchapy"
	"dispatchapy/internal/transform"
)

// Bounds of what is tried: clients may do it, too.
const (
	maxTriedRules   = 500
	maxTriedPayload = 256 << 10 // bytes
)

// RulesTrial is development rules to be tried on a payload.
type RulesTrial struct {
	Rules    []dispatchapy.Rule // saved or not
	Endpoint string             // path that the payload is sent to; "": one that no rule is limited to
	Payload  []byte
}

// RulesTried is what rules do to a payload, all of them switched on.
type RulesTried struct {
	Rules   []RuleTried // in the order of the trial
	Payload []byte      // after those that are active
}

// RuleTried is what one rule does.
type RuleTried struct {
	Fires  bool            // its condition holds, and it is for the endpoint; whether it is active or not
	Before json.RawMessage // the value that it replaces; nil: there was none, or it does not fire
	Notes  []string        // what is allowed but probably not meant
}

// TryRules shows which development rules would fire on a payload. Nothing is
// stored. Faults of rules have paths like dev.rules[0].set.value.
func (s *Service) TryRules(_ context.Context, p dispatchapy.Principal, in RulesTrial) (RulesTried, error) {
	if err := require(p, dispatchapy.WriteDev); err != nil {
		return RulesTried{}, err
	}
	switch {
	case len(in.Rules) > maxTriedRules:
		return RulesTried{}, invalid("dev.rules", fmt.Sprintf("at most %d can be tried", maxTriedRules))
	case len(in.Payload) > maxTriedPayload:
		return RulesTried{}, invalid("payload", fmt.Sprintf("must have at most %d KiB to be tried", maxTriedPayload>>10))
	}
	var out RulesTried
	var faults []dispatchapy.FieldError
	for i := range in.Rules {
		problems, warnings := transform.CheckRule(in.Rules[i])
		for _, f := range problems {
			faults = append(faults, dispatchapy.FieldError{Path: fmt.Sprintf("dev.rules[%d].%s", i, f.Path), Message: f.Message})
		}
		tried := RuleTried{}
		for _, w := range warnings {
			tried.Notes = append(tried.Notes, w.Message)
		}
		out.Rules = append(out.Rules, tried)
	}
	if len(faults) > 0 {
		return RulesTried{}, invalidFields(faults)
	}
	payload, err := transform.Parse(in.Payload)
	if err != nil {
		var fault *dispatchapy.Error
		if errors.As(err, &fault) {
			return RulesTried{}, invalid("payload", fault.Message)
		}
		return RulesTried{}, err
	}
	for i, rule := range in.Rules {
		on := true
		rule.Active = &on
		alone := transform.CompileRules([]dispatchapy.Rule{rule}).For(in.Endpoint)
		if _, applied := payload.Override(alone, nil); len(applied) > 0 {
			out.Rules[i].Fires, out.Rules[i].Before = true, applied[0].Before
		}
	}
	after, _ := payload.Override(transform.CompileRules(in.Rules).For(in.Endpoint), nil)
	out.Payload = after.Raw()
	return out, nil
}
