package original

import (
	"context"
	"strings"
	"time"
	"unicode"

	"dispatchapy"
)

// readSettings brings the settings over. What the original has no word for
// gets this gateway's default; what it has but the file lacks, the original's.
func (r *reader) readSettings(ctx context.Context) error {
	values := settings{r: r, byKey: map[string]string{}}
	err := r.file.each(ctx, "SELECT * FROM settings", nil, func(row row) {
		values.byKey[row.text("key")] = row.text("value")
	})
	if err != nil {
		return err
	}
	s := dispatchapy.DefaultSettings()
	s.MaxAttempts = int(values.number("max_failure_attempts", 5, 1, dispatchapy.MaxAttempts))
	s.TaskDelay = values.taskDelay()
	s.Cleanup.Enabled = values.on("enable_task_cleanup")
	s.Cleanup.AfterDays = int(values.number("task_cleanup_days", dispatchapy.DefaultAfterDays, 1, dispatchapy.MaxAfterDays))
	s.SMTP = values.smtp()
	r.config.Settings = s
	return nil
}

// settings are the values of the table settings.
type settings struct {
	r     *reader
	byKey map[string]string
}

func (s settings) number(key string, otherwise, low, high int64) int64 {
	text := strings.TrimSpace(s.byKey[key])
	if text == "" {
		return otherwise
	}
	n, ok := parseInteger(text)
	if !ok {
		s.r.note("setting %s: not a whole number, set to %d", key, otherwise)
		return otherwise
	}
	in, ok := clamp(n, low, high)
	if !ok {
		s.r.note("setting %s: %d is out of range, set to %d", key, n, in)
	}
	return in
}

func (s settings) on(key string) bool {
	on, ok := parseSwitch(s.byKey[key])
	if !ok {
		s.r.note("setting %s: neither true nor false, set to false", key)
	}
	return on
}

func (s settings) taskDelay() dispatchapy.DurationRange {
	const most = int64(dispatchapy.MaxTaskDelay / time.Second)
	low := s.number("task_delay_min", 1, 0, most)
	high := s.number("task_delay_max", max(low, 5), 0, most)
	if low > high {
		s.r.note("settings task_delay_min and task_delay_max: the first is greater, exchanged")
		low, high = high, low
	}
	return dispatchapy.DurationRange{Min: seconds(low), Max: seconds(high)}
}

func seconds(n int64) dispatchapy.Duration {
	return dispatchapy.Duration(time.Duration(n) * time.Second)
}

// smtp gives the mail server, nil if there is none.
func (s settings) smtp() *dispatchapy.SMTP {
	host := strings.TrimSpace(s.byKey["smtp_server"])
	if host == "" {
		if s.byKey["smtp_username"]+s.byKey["smtp_password"]+s.byKey["email_from"] != "" {
			s.r.note("setting smtp_server: missing, left out with all that belongs to it")
		}
		return nil
	}
	if strings.ContainsFunc(host, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		s.r.note("setting smtp_server: not the name of a server, left out with all that belongs to it")
		return nil
	}
	return &dispatchapy.SMTP{
		Host:       host,
		Port:       int(s.number("smtp_port", dispatchapy.DefaultSMTPPort, 1, 65535)),
		Username:   s.username(),
		Password:   dispatchapy.Secret(s.byKey["smtp_password"]),
		From:       s.from(),
		Encryption: s.encryption(),
	}
}

func (s settings) username() string {
	name := s.byKey["smtp_username"]
	if strings.ContainsFunc(name, unicode.IsControl) {
		s.r.note("setting smtp_username: has control characters, left out")
		return ""
	}
	return name
}

// from gives the sender, which mail cannot do without.
func (s settings) from() string {
	from := strings.TrimSpace(s.byKey["email_from"])
	if isAddress(from) {
		return from
	}
	otherwise := "dispatchapy@localhost"
	if name := s.byKey["smtp_username"]; isAddress(name) {
		otherwise = name
	}
	s.r.note("setting email_from: not an email address, set to %s", otherwise)
	return otherwise
}

func (s settings) encryption() dispatchapy.Encryption {
	switch value := strings.ToLower(strings.TrimSpace(s.byKey["smtp_encryption"])); value {
	case "", "starttls":
		return dispatchapy.EncryptionSTARTTLS
	case "tls", "ssl", "ssl/tls", "ssl_tls":
		return dispatchapy.EncryptionTLS
	case "none":
		return dispatchapy.EncryptionNone
	default:
		s.r.note("setting smtp_encryption: %q is not known, set to starttls", firstRunes(value, 40))
		return dispatchapy.EncryptionSTARTTLS
	}
}
