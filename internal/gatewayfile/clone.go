package gatewayfile

import (
	"reflect"
	"time"
)

var timeType = reflect.TypeFor[time.Time]()

// Clone makes a deep copy of an object.
func Clone[T Objects](object *T) *T { return clone(object) }

// clone makes a deep copy.
func clone[T any](v *T) *T {
	out := *v
	unshare(reflect.ValueOf(&out).Elem())
	return &out
}

// unshare gives a shallow copy, which can be set, insides of its own.
func unshare(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			own := reflect.New(v.Type().Elem())
			own.Elem().Set(v.Elem())
			unshare(own.Elem())
			v.Set(own)
		}
	case reflect.Slice:
		unshareSlice(v)
	case reflect.Map:
		unshareMap(v)
	case reflect.Struct:
		if v.Type() == timeType {
			return // its fields are its own
		}
		for i := range v.NumField() {
			unshare(v.Field(i))
		}
	}
}

func unshareSlice(v reflect.Value) {
	if v.IsNil() {
		return
	}
	own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(own, v)
	for i := range own.Len() {
		unshare(own.Index(i))
	}
	v.Set(own)
}

func unshareMap(v reflect.Value) {
	if v.IsNil() {
		return
	}
	own := reflect.MakeMapWithSize(v.Type(), v.Len())
	for it := v.MapRange(); it.Next(); {
		item := reflect.New(v.Type().Elem()).Elem()
		item.Set(it.Value())
		unshare(item)
		own.SetMapIndex(it.Key(), item)
	}
	v.Set(own)
}
