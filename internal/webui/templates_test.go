package webui

import (
	"runtime"
	"testing"

	"dispatchapy/internal/webui/assets"
	"dispatchapy/internal/webui/i18n"
)

// TestEveryPageParses: pages are parsed when they are first shown.
func TestEveryPageParses(t *testing.T) {
	all := newTemplates(assets.Load())
	for _, lang := range append(i18n.Languages, i18n.Pseudo) {
		for _, name := range all.names {
			if page := all.page(lang, name); page == nil || page.Lookup("layout") == nil {
				t.Errorf("%s in %s has no layout", name, lang.Code)
			}
		}
	}
	if all.page(i18n.English, "../webui") != nil {
		t.Error("a page that is not there is found")
	}
}

// TestPagesTakeLittleMemory keeps the pages, in one language, in proportion to
// the gateway.
func TestPagesTakeLittleMemory(t *testing.T) {
	all := newTemplates(assets.Load())
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for _, name := range all.names {
		all.page(i18n.English, name)
	}
	const most = 20 << 20
	if used := heap() - before; used > most {
		t.Errorf("%d pages take %d KB, want at most %d", len(all.names), used>>10, most>>10)
	} else {
		t.Logf("%d pages take %d KB", len(all.names), used>>10)
	}
	runtime.KeepAlive(all)
}
