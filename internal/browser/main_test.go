package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"dispatchapy/internal/webui"
)

// chrome is the browser that all tests share; each has a profile of its own in
// it.
var chrome context.Context

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	path := findChrome()
	if path == "" {
		if os.Getenv("REQUIRE_BROWSER") != "" {
			fmt.Fprintln(os.Stderr, "REQUIRE_BROWSER is set, and there is no Chromium")
			return 1
		}
		fmt.Fprintln(os.Stderr, "*** NO CHROMIUM FOUND: the pages are NOT tested in a browser. Install chromium. ***")
		return 0
	}
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer removeAll(dir)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("hide-scrollbars", false),
		// Whatever a page asks of another host fails, and is seen.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	var stop context.CancelFunc
	chrome, stop = chromedp.NewContext(allocator)
	defer stop()
	if err := chromedp.Do(chrome); err != nil {
		fmt.Fprintln(os.Stderr, "Chromium does not start:", err)
		return 1
	}
	code := m.Run()
	if whole() {
		for _, page := range gated.missing(webui.Pages()) {
			fmt.Fprintf(os.Stderr, "FAIL: no test calls gates with %s\n", page)
			code = 1
		}
	}
	return code
}

func findChrome() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// removeAll tries again: the browser's processes write for a moment after it
// has ended.
func removeAll(dir string) {
	for range 50 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
