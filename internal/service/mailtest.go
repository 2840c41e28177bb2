package service

import (
	"context"
	"fmt"
	netmail "net/mail"
	"time"

	"dispatchapy"
	"dispatchapy/internal/mail"
	"dispatchapy/internal/store"
)

const (
	maxMailTests = 2                // at the same time
	mailTestFor  = 10 * time.Second // one may take
)

// Mailer speaks to mail servers. Its errors are worded for people and hold no
// secrets.
type Mailer interface {
	Check(ctx context.Context, server dispatchapy.SMTP) error
	Send(ctx context.Context, server dispatchapy.SMTP, m mail.Message) error
}

// MailTestInput is a mail server to be tried, saved or not. Its password may be
// masked: see TestMail.
type MailTestInput struct {
	Server dispatchapy.SMTP
	To     string // who gets a test mail; "": nothing is sent
}

// MailTest is how the test of a mail server ended.
type MailTest struct {
	OK       bool
	Detail   string // what works, or what failed
	Duration time.Duration
}

// TestMail connects to a mail server, logs in, asks whether it takes mail from
// the sender, and sends a test mail if there is somebody to get it. That the
// server does not play along is a result and no error.
//
// A masked password stands for the stored one only where that is at home: with
// the stored host, port and username, and not without the encryption that is
// stored. Anywhere else this would hand it to whoever is named as the host.
//
// Failure policy: fail closed. What cannot be written into the audit log is not
// tried.
func (s *Service) TestMail(ctx context.Context, p dispatchapy.Principal, in MailTestInput) (MailTest, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return MailTest{}, err
	}
	server, err := in.server(s.table.Load().Config.Settings.SMTP)
	if err != nil {
		return MailTest{}, err
	}
	if s.mailTests.Add(1) > maxMailTests {
		s.mailTests.Add(-1)
		return MailTest{}, dispatchapy.Errorf(dispatchapy.CodeLimited, "%d tests of mail servers are under way: wait for one of them to end", maxMailTests)
	}
	defer s.mailTests.Add(-1)
	if err := s.noteMailTest(ctx, p, server, in.To); err != nil {
		return MailTest{}, err
	}
	start := time.Now()
	trying, cancel := context.WithTimeout(ctx, mailTestFor)
	defer cancel()
	if in.To == "" {
		err = s.mail.Check(trying, *server)
	} else {
		err = s.mail.Send(trying, *server, mail.Message{
			To:      []string{in.To},
			Subject: "Dispatchapy: test mail",
			Body:    "This mail was sent to try out the mail server of Dispatchapy. It works.\n",
		})
	}
	result := MailTest{OK: err == nil, Duration: time.Since(start)}
	if result.Detail = mailTestWords(server, in.To); err != nil {
		result.Detail = err.Error()
	}
	return result, nil
}

// server gives the server with its password and its defaults.
func (in *MailTestInput) server(stored *dispatchapy.SMTP) (*dispatchapy.SMTP, error) {
	server := in.Server
	trial := &dispatchapy.Config{Settings: dispatchapy.DefaultSettings()}
	trial.Settings.SMTP = &server
	trial.Settings.Normalize()
	if server.Password.Reveal() == dispatchapy.Redacted {
		if err := keepPassword(&server, stored); err != nil {
			return nil, err
		}
	}
	if err := locate(trial.Validate(), trial, "settings.smtp."); err != nil {
		return nil, err
	}
	if in.To != "" {
		if _, err := netmail.ParseAddress(in.To); err != nil {
			return nil, invalid("to", "is not an email address: write it like ops@example.com")
		}
	}
	return &server, nil
}

// keepPassword puts the stored password in the place of the masked one.
func keepPassword(server, stored *dispatchapy.SMTP) error {
	switch {
	case stored == nil || stored.Password == "":
		return invalidFields([]dispatchapy.FieldError{nothingToKeep("password")})
	case server.Host != stored.Host || server.Port != stored.Port || server.Username != stored.Username:
		return invalid("password", "is masked, and stands for the stored one only with the stored host, port and username: give the password itself")
	case server.Encryption == dispatchapy.EncryptionNone && stored.Encryption != dispatchapy.EncryptionNone:
		return invalid("password", "is masked, and the stored one is not sent without encryption: give the password itself")
	}
	server.Password = stored.Password
	return nil
}

// noteMailTest says in the audit log where the gateway connects to, but not
// with what.
func (s *Service) noteMailTest(ctx context.Context, p dispatchapy.Principal, server *dispatchapy.SMTP, to string) error {
	detail := fmt.Sprintf("tested the mail server %s:%d", server.Host, server.Port)
	if to != "" {
		detail += ", with a mail to " + to
	}
	return storeError(s.store.AppendAudit(ctx, []store.AuditEntry{{
		At:     time.Now(),
		By:     p.Name,
		Action: "test",
		Kind:   store.KindSettings,
		Name:   settingsName,
		Detail: detail,
	}}))
}

// mailTestWords says what works.
func mailTestWords(server *dispatchapy.SMTP, to string) string {
	words := "connected with " + map[dispatchapy.Encryption]string{
		dispatchapy.EncryptionSTARTTLS: "STARTTLS",
		dispatchapy.EncryptionTLS:      "TLS",
		dispatchapy.EncryptionNone:     "no encryption",
	}[server.Encryption]
	if server.Username != "" {
		words += ", logged in as " + server.Username
	}
	if to == "" {
		return words + ", mail from " + server.From + " is accepted"
	}
	return words + ", sent a mail to " + to
}
