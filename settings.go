package dispatchapy

import "time"

// Settings are the choices that hold for the whole gateway.
type Settings struct {
	Version int64 `json:"-"` // of the configuration that changed them last; 0: never changed

	MaxAttempts int           `json:"max_attempts"` // budget of a task
	TaskDelay   DurationRange `json:"task_delay"`   // random wait before the first attempt
	Retry       RetryPolicy   `json:"retry"`
	Cleanup     Cleanup       `json:"cleanup"`
	Sessions    Sessions      `json:"sessions"`
	Outbound    Outbound      `json:"outbound"`
	SMTP        *SMTP         `json:"smtp,omitempty"`
	Alerts      Alerts        `json:"alerts"`
	StatusPage  StatusPage    `json:"status_page"`
}

// RetryPolicy spaces the rounds of a task: the wait after round n is
// Base * Factor^(n-1), at most Cap, plus or minus the share Jitter of it.
type RetryPolicy struct {
	Base   Duration `json:"base"`
	Factor float64  `json:"factor"`
	Cap    Duration `json:"cap"`
	Jitter float64  `json:"jitter"`  // 0 to 1
	MaxAge Duration `json:"max_age"` // a task older than this fails instead of being sent; 0: no limit
}

// RetryOverride replaces parts of the settings for one endpoint. Nil fields
// leave the setting as it is.
type RetryOverride struct {
	MaxAttempts *int      `json:"max_attempts,omitempty"`
	Base        *Duration `json:"base,omitempty"`
	Factor      *float64  `json:"factor,omitempty"`
	Cap         *Duration `json:"cap,omitempty"`
	Jitter      *float64  `json:"jitter,omitempty"`
	MaxAge      *Duration `json:"max_age,omitempty"`
}

// Cleanup says what is deleted after how many days: succeeded and failed tasks
// after AfterDays if it is enabled, entries of the audit log and events after
// AuditDays in any case, unless that is 0.
type Cleanup struct {
	Enabled   bool `json:"enabled"`
	AfterDays int  `json:"after_days"`
	AuditDays int  `json:"audit_days"`
}

// Sessions limits how long people stay signed in: Idle without a request, and
// Absolute in all.
type Sessions struct {
	Idle     Duration `json:"idle"`
	Absolute Duration `json:"absolute"`
}

// Outbound limits where resources may be. Cloud metadata and link-local
// addresses are refused whatever it says.
type Outbound struct {
	AllowPrivate bool `json:"allow_private"` // loopback and private networks
}

// Encryption of the connection to a mail server.
type Encryption string

// The kinds of encryption.
const (
	EncryptionSTARTTLS Encryption = "starttls"
	EncryptionTLS      Encryption = "tls"
	EncryptionNone     Encryption = "none"
)

// SMTP is the mail server for notifications.
type SMTP struct {
	Host       string     `json:"host"`
	Port       int        `json:"port,omitempty"` // default 587
	Username   string     `json:"username,omitempty"`
	Password   Secret     `json:"password,omitempty"`
	From       string     `json:"from,omitempty"`
	Encryption Encryption `json:"encryption,omitempty"` // default starttls
}

// DefaultSettings are the settings of a new gateway.
func DefaultSettings() Settings {
	s := Settings{
		MaxAttempts: 5,
		Retry: RetryPolicy{
			Base:   Duration(3 * time.Second),
			Factor: 4,
			Cap:    Duration(time.Hour),
			Jitter: 0.2,
		},
		Cleanup:  Cleanup{AfterDays: 30, AuditDays: 400},
		Sessions: Sessions{Idle: Duration(12 * time.Hour), Absolute: Duration(7 * 24 * time.Hour)},
		Outbound: Outbound{AllowPrivate: true},
	}
	s.Alerts.Normalize()
	return s
}

// RetryFor gives the policy and the budget of an endpoint: the settings with
// its override laid over them.
func (s *Settings) RetryFor(o *RetryOverride) (policy RetryPolicy, maxAttempts int) {
	policy, maxAttempts = s.Retry, s.MaxAttempts
	if o == nil {
		return policy, maxAttempts
	}
	replace(&maxAttempts, o.MaxAttempts)
	replace(&policy.Base, o.Base)
	replace(&policy.Factor, o.Factor)
	replace(&policy.Cap, o.Cap)
	replace(&policy.Jitter, o.Jitter)
	replace(&policy.MaxAge, o.MaxAge)
	return policy, maxAttempts
}

func replace[T any](dst *T, value *T) {
	if value != nil {
		*dst = *value
	}
}
