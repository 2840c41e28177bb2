package service

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/store"
)

// AuditEntry says who did what. Before and After are the object as JSON in the
// shape of the gateway file, its secrets masked; nil where there was nothing or
// is nothing any more.
type AuditEntry = store.AuditEntry

// AuditFilter selects audit entries. Empty fields select everything; all given
// ones must hold.
type AuditFilter struct {
	By     string
	Kind   string // settings, resource, endpoint, client, user, token
	Object int64  // id
	Since  time.Time
	Until  time.Time
}

// ListAudit gives a page of the audit log, newest first.
func (s *Service) ListAudit(ctx context.Context, p dispatchapy.Principal, f AuditFilter, r PageRequest) (Page[AuditEntry], error) {
	if err := require(p, dispatchapy.ReadAudit); err != nil {
		return Page[AuditEntry]{}, err
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && f.Until.Before(f.Since) {
		return Page[AuditEntry]{}, invalid("until", "must not be before since")
	}
	q := store.AuditQuery{By: f.By, Kind: store.Kind(f.Kind), ObjectID: f.Object, Since: f.Since, Until: f.Until}
	return byID(r, func(e AuditEntry) int64 { return e.ID },
		func(before int64, limit int) ([]AuditEntry, error) {
			q.Before, q.Limit = before, limit
			entries, err := s.store.ListAudit(ctx, q)
			for i := range entries {
				s.openAudit(&entries[i])
			}
			return entries, err
		})
}

// auditIdentity binds a sealed text of the audit to its purpose.
var auditIdentity = []byte("audit")

// sealAudit encrypts what an entry says of an object. Headers are masked in
// it, but a secret may as well stand in a URL or in a constant of a mapping.
func (s *Service) sealAudit(e *AuditEntry) {
	for _, text := range []*[]byte{&e.Before, &e.After} {
		if *text != nil {
			*text = s.box.Seal(*text, auditIdentity)
		}
	}
}

// isSealedAudit tells what sealAudit has encrypted from entries about people,
// which are not: there is no secret in them.
func isSealedAudit(text []byte) bool { return len(text) > 0 && text[0] != '{' }

// unreadable stands for a text whose key is gone.
var unreadable = []byte(`{"unreadable":"sealed with a key that is not loaded any more"}`)

// openAudit decrypts what sealAudit has encrypted.
func (s *Service) openAudit(e *AuditEntry) {
	for _, text := range []*[]byte{&e.Before, &e.After} {
		if !isSealedAudit(*text) {
			continue
		}
		opened, err := s.box.Open(*text, auditIdentity)
		if err != nil {
			opened = unreadable
		}
		*text = opened
	}
}

// auditOf is the audit entry of a change of one object. before and after are
// zero where there is none.
func auditOf(by string, c Change, before, after object) (store.AuditEntry, error) {
	key := keyOf(c)
	entry := store.AuditEntry{By: by, Action: string(c.Action), Kind: key.kind, Name: key.name, Detail: auditDetail(c)}
	var err error
	if before.value != nil {
		entry.ObjectID = *before.id
		if entry.Before, err = auditText(before.value); err != nil {
			return entry, fmt.Errorf("audit of %s %q: %w", key.kind, key.name, err)
		}
	}
	if after.value != nil && c.Action != gatewayfile.Delete {
		if entry.After, err = auditText(after.value); err != nil {
			return entry, fmt.Errorf("audit of %s %q: %w", key.kind, key.name, err)
		}
	}
	return entry, nil
}

// auditDetail names the fields that changed, never their values.
func auditDetail(c Change) string {
	detail := strings.Join(c.Fields, ", ")
	if c.Was != "" {
		detail += fmt.Sprintf(" (was %q)", c.Was)
	}
	return detail
}

// auditText writes an object without its secrets.
func auditText(object any) ([]byte, error) {
	switch o := object.(type) {
	case *dispatchapy.Resource:
		return gatewayfile.EncodeObject(resourceKind.masked(o))
	case *dispatchapy.Endpoint:
		return gatewayfile.EncodeObject(o)
	case *dispatchapy.Client:
		return gatewayfile.EncodeObject(clientKind.masked(o))
	case *dispatchapy.Settings:
		return gatewayfile.EncodeObject(maskedSettings(o))
	}
	return nil, fmt.Errorf("unknown object %T", object)
}
