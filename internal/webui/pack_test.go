package webui

import (
	"slices"
	"testing"
)

func TestPackedIDs(t *testing.T) {
	thousand := make([]int64, 1000)
	for i := range thousand {
		thousand[i] = int64(90_000 + 23*i)
	}
	for _, ids := range [][]int64{{1}, {1, 2, 3}, {7, 1 << 40, 1<<62 + 5}, thousand} {
		got, ok := unpackIDs(packIDs(ids))
		if !ok || !slices.Equal(got, ids) {
			t.Errorf("%.20v comes back as %.20v, %t", ids, got, ok)
		}
	}
	if n := len(packIDs(thousand)); n > maxFlash/2 {
		t.Errorf("a thousand ids take %d bytes", n)
	}
	if got, ok := unpackIDs(packIDs([]int64{5, 3, 5})); !ok || !slices.Equal(got, []int64{3, 5}) {
		t.Errorf("%v", got)
	}
	for _, wrong := range []string{"!", "AA", "gA", "____________"} {
		if ids, ok := unpackIDs(wrong); ok {
			t.Errorf("%q is read as %v", wrong, ids)
		}
	}
}

func FuzzUnpackIDs(f *testing.F) {
	f.Add(packIDs([]int64{1, 2, 300}))
	f.Add("____________")
	f.Fuzz(func(t *testing.T, text string) {
		ids, ok := unpackIDs(text)
		if !ok {
			return
		}
		if again, _ := unpackIDs(packIDs(ids)); !slices.Equal(again, ids) || !slices.IsSorted(ids) {
			t.Fatalf("%q is read as %v, and again as %v", text, ids, again)
		}
	})
}
