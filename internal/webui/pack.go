package webui

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// packIDs writes ids so short that a thousand of them have room in a cookie: in
// order, each as its distance from the one before.
func packIDs(ids []int64) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(ids)))
	var out []byte
	last := int64(0)
	for _, id := range sorted {
		out = binary.AppendUvarint(out, uint64(id-last))
		last = id
	}
	return base64.RawURLEncoding.EncodeToString(out)
}

// unpackIDs reads what packIDs wrote. ok is false for anything else.
func unpackIDs(text string) (ids []int64, ok bool) {
	packed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	last := int64(0)
	for len(packed) > 0 {
		step, n := binary.Uvarint(packed)
		if n <= 0 || step == 0 || step > 1<<62 || last+int64(step) < last {
			return nil, false
		}
		last += int64(step)
		ids, packed = append(ids, last), packed[n:]
	}
	return ids, true
}
