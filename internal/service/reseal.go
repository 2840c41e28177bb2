package service

import (
	"context"
	"errors"
	"fmt"

	"dispatchapy"
	"dispatchapy/internal/store"
)

// Reseal encrypts everything that is stored under an older secret key with the
// present one, users and API tokens included, all of it or nothing. It says how
// many objects there were. After it the older keys are not needed any more, but
// for backups made before.
func (s *Service) Reseal(ctx context.Context, p dispatchapy.Principal) (resealed int, err error) {
	if err := require(p, dispatchapy.ReadSecrets); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.resealAudit(ctx); err != nil {
		return 0, storeError(err)
	}
	for range maxConflicts {
		update, err := s.resealed(ctx, p)
		if err != nil || len(update.Put) == 0 {
			return 0, storeError(err)
		}
		_, _, err = s.store.ApplyConfig(ctx, update)
		if errors.Is(err, store.ErrVersionConflict) {
			continue
		}
		if err != nil {
			return 0, storeError(err)
		}
		_, err = s.refresh(ctx)
		return len(update.Put), err
	}
	return 0, dispatchapy.Errorf(dispatchapy.CodeConflict, "the configuration is being changed by others: try again")
}

// resealStep is how many audit entries are sealed anew in one transaction.
const resealStep = 200

// resealAudit seals the texts of the audit anew. Those that no loaded key opens
// stay as they are.
func (s *Service) resealAudit(ctx context.Context) error {
	for last := int64(0); ; {
		var err error
		last, err = s.store.RewriteAudit(ctx, last, resealStep, func(text []byte) ([]byte, error) {
			if !isSealedAudit(text) || s.box.Current(text) {
				return text, nil
			}
			if opened, err := s.box.Open(text, auditIdentity); err == nil {
				text = s.box.Seal(opened, auditIdentity)
			}
			return text, nil
		})
		if err != nil || last == 0 {
			return err
		}
	}
}

// resealed gives the update that seals anew what is not sealed with the
// present key.
func (s *Service) resealed(ctx context.Context, p dispatchapy.Principal) (store.ConfigUpdate, error) {
	version, objects, err := s.store.LoadConfig(ctx)
	if err != nil {
		return store.ConfigUpdate{}, err
	}
	update := store.ConfigUpdate{Expect: version}
	for _, o := range objects {
		if s.box.Current(o.Body) {
			continue
		}
		identity := rowIdentity(o.Kind, o.Name)
		body, err := s.box.Open(o.Body, identity)
		if err != nil {
			return update, fmt.Errorf("the stored %s %q cannot be decrypted: %w", o.Kind, o.Name, err)
		}
		o.Body = s.box.Seal(body, identity)
		update.Put = append(update.Put, o)
	}
	update.Audit = []store.AuditEntry{{By: p.Name, Action: "rotate key",
		Detail: fmt.Sprintf("sealed %d objects with another key", len(update.Put))}}
	return update, nil
}
