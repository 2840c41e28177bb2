package service

import (
	"context"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
	"dispatchapy/internal/sealer"
)

// Comparison is what applying a gateway file would do.
type Comparison struct {
	Version  int64 // of the configuration that the file was compared with
	Changes  []ComparedChange
	Warnings []dispatchapy.FieldError
}

// ComparedChange is a change with the object before and after it, as JSON in
// the shape of the gateway file, secrets masked; nil where there is none. Where
// only a secret differs both are the same: Fields has its key.
type ComparedChange struct {
	Change
	Before, After []byte
}

// Compare shows what applying the text of a gateway file would do, and changes
// nothing. name stands in messages.
func (s *Service) Compare(ctx context.Context, p dispatchapy.Principal, name string, data []byte, o ApplyOptions) (Comparison, error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return Comparison{}, err
	}
	f, err := o.read(name, data)
	if err != nil {
		return Comparison{}, err
	}
	var before, after map[nameKey]object
	o.DryRun = true
	result, err := s.applyFile(ctx, p, f, o, func(current, next *dispatchapy.Config) { before, after = objectsOf(current), objectsOf(next) })
	if err != nil {
		return Comparison{}, err
	}
	out := Comparison{Version: result.Version, Changes: make([]ComparedChange, len(result.Changes)), Warnings: result.Warnings}
	for i, change := range result.Changes {
		compared := ComparedChange{Change: change}
		key := keyOf(change)
		for _, side := range []struct {
			objects map[nameKey]object
			absent  gatewayfile.Action
			text    *[]byte
		}{{before, gatewayfile.Create, &compared.Before}, {after, gatewayfile.Delete, &compared.After}} {
			if change.Action == side.absent {
				continue
			}
			if *side.text, err = auditText(side.objects[key].value); err != nil {
				return Comparison{}, err
			}
		}
		out.Changes[i] = compared
	}
	return out, nil
}

// read reads a gateway file and opens what is sealed in it.
func (o *ApplyOptions) read(name string, data []byte) (*gatewayfile.File, error) {
	if sealer.HasSealed(data) {
		phrase, err := openWith(o.Passphrase, "the file has sealed secrets in it: give the passphrase that they were sealed with")
		if err != nil {
			return nil, err
		}
		if data, err = phrase.OpenFile(data); err != nil {
			return nil, invalid("passphrase", err.Error())
		}
	}
	return gatewayfile.Parse(name, data)
}

func openWith(phrase dispatchapy.Secret, missing string) (*sealer.Passphrase, error) {
	if phrase == "" {
		return nil, invalid("passphrase", missing)
	}
	opened, err := sealer.NewPassphrase(phrase.Reveal())
	if err != nil {
		return nil, invalid("passphrase", err.Error())
	}
	return opened, nil
}
