package dispatchapy

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as text ("15s", "1h30m") in the
// gateway file and in JSON.
type Duration time.Duration

// Std gives the value as a time.Duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes the duration without zero parts: "1m", not "1m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration: write a number and a unit, like 500ms, 15s, 5m or 2h", text)
	}
	*d = Duration(parsed)
	return nil
}

// DurationRange is a closed interval from which a duration is drawn at random.
type DurationRange struct {
	Min Duration `json:"min"`
	Max Duration `json:"max"`
}

// At gives the point of the range at fraction f in [0, 1).
func (r DurationRange) At(f float64) time.Duration {
	return r.Min.Std() + time.Duration(f*float64(r.Max-r.Min))
}
