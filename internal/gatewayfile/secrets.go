package gatewayfile

import (
	"reflect"

	"dispatchapy"
)

var secretType = reflect.TypeFor[dispatchapy.Secret]()

// MapSecrets gives a copy of the configuration in which every secret that is
// set is replaced by what f makes of it: masked, sealed or opened. It finds
// them by their type, so that a field added later is covered.
func MapSecrets(cfg *dispatchapy.Config, f func(dispatchapy.Secret) (dispatchapy.Secret, error)) (*dispatchapy.Config, error) {
	out := clone(cfg)
	return out, mapSecrets(reflect.ValueOf(out).Elem(), f)
}

// Mask is a function for MapSecrets: it hides the value.
func Mask(s dispatchapy.Secret) (dispatchapy.Secret, error) {
	return dispatchapy.Secret(s.String()), nil
}

func mapSecrets(v reflect.Value, f func(dispatchapy.Secret) (dispatchapy.Secret, error)) error {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return mapSecrets(v.Elem(), f)
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return nil
		}
		for i := range v.NumField() {
			if err := mapSecrets(v.Field(i), f); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := mapSecrets(v.Index(i), f); err != nil {
				return err
			}
		}
	case reflect.Map:
		return mapSecretValues(v, f)
	case reflect.String:
		if v.Type() == secretType && v.Len() > 0 {
			mapped, err := f(dispatchapy.Secret(v.String()))
			v.SetString(mapped.Reveal())
			return err
		}
	}
	return nil
}

// mapSecretValues does it for a map, whose values cannot be set in place.
func mapSecretValues(m reflect.Value, f func(dispatchapy.Secret) (dispatchapy.Secret, error)) error {
	for _, key := range m.MapKeys() {
		value := reflect.New(m.Type().Elem()).Elem()
		value.Set(m.MapIndex(key))
		if err := mapSecrets(value, f); err != nil {
			return err
		}
		m.SetMapIndex(key, value)
	}
	return nil
}
