package webui

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestSourcesKeepThePolicy looks for what the pages' policy would refuse, and
// for what makes text into HTML.
func TestSourcesKeepThePolicy(t *testing.T) {
	forbidden := []struct {
		files, what string
		found       *regexp.Regexp
	}{
		{"templates/*.html", "a style attribute", regexp.MustCompile(`\sstyle=`)},
		{"templates/*.html", "an inline handler", regexp.MustCompile(`\son[a-z]+=`)},
		{"templates/*.html", "htmx code", regexp.MustCompile(`\shx-(on|vars)\b|javascript:`)},
		{"templates/shared/*.html", "a style attribute", regexp.MustCompile(`\sstyle=`)},
		{"templates/shared/*.html", "an inline handler", regexp.MustCompile(`\son[a-z]+=`)},
		{"assets/js/*.js", "a browser's dialog", regexp.MustCompile(`(^|[^.\w])(alert|confirm|prompt)\(`)},
		{"assets/js/*.js", "text made HTML", regexp.MustCompile(`\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write|setHTMLUnsafe`)},
		{"assets/js/*.js", "code made of text", regexp.MustCompile(`\beval\(|new Function`)},
		{"assets/css/[^t]*.css", "a colour that is no token", regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b`)},
		{"assets/css/task.css", "a colour that is no token", regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b`)},
		{"*.go", "trusted HTML outside the shared functions", regexp.MustCompile(`template\.(JS|CSS|URL|Srcset|HTMLAttr)\(`)},
	}
	for _, rule := range forbidden {
		files, err := filepath.Glob(rule.files)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if filepath.Base(file) == "source_test.go" {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if at := rule.found.Find(text); at != nil {
				t.Errorf("%s has %s: %s", file, rule.what, at)
			}
		}
	}
}
