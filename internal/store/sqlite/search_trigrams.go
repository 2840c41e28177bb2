package sqlite

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
)

// maxTrigrams is how many trigrams of a text are looked up, the rarest. More
// would make fewer candidates that turn out wrong, but reading the long lists
// of common trigrams costs more than looking at some candidates in vain.
const maxTrigrams = 5

// trigrams gives the different trigrams of a folded text.
func trigrams(text string) (list []string) {
	runes := []rune(indexable(text))
	for i := 0; i+3 <= len(runes); i++ {
		list = append(list, string(runes[i:i+3]))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// indexable makes of a folded text one that FTS5 takes whole: it stops at a
// zero byte.
func indexable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// frequencies estimates how common trigrams are, from a sample of documents.
// Being wrong costs time, never results. The zero value knows none.
type frequencies struct {
	counts []uint32 // by hash
	docs   int
}

const (
	frequencyBits = 16
	// sampleDocs is how many documents of each step are counted. After
	// forgetAfter of them all counts are halved, so that what is no longer
	// common is forgotten.
	sampleDocs  = 50
	forgetAfter = 20_000
)

var frequencySeed = maphash.MakeSeed()

func slot(trigram string) uint64 {
	return maphash.String(frequencySeed, trigram) >> (64 - frequencyBits)
}

// count samples documents.
func (f *frequencies) count(docs []searchDoc) {
	if f.counts == nil {
		f.counts = make([]uint32, 1<<frequencyBits)
	}
	for _, doc := range docs[:min(len(docs), sampleDocs)] {
		text := doc.text[:min(len(doc.text), 16<<10)] // the beginning of a long one will do
		for _, trigram := range trigrams(text) {
			f.counts[slot(trigram)]++
		}
		f.docs++
	}
	if f.docs > forgetAfter {
		f.docs /= 2
		for i := range f.counts {
			f.counts[i] /= 2
		}
	}
}

// expression makes the FTS5 expression that the rarest trigrams of a folded
// text must be there. A text contains the other only if it has all of them.
func (f *frequencies) expression(text string) string {
	list := trigrams(text)
	if f.counts != nil {
		slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(f.counts[slot(a)], f.counts[slot(b)]) })
	}
	list = list[:min(len(list), maxTrigrams)]
	for i, trigram := range list {
		list[i] = `"` + strings.ReplaceAll(trigram, `"`, `""`) + `"`
	}
	return strings.Join(list, " AND ")
}
