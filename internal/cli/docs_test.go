package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestDocumentedCommands: docs/cli.md has an example of every command, and a
// script runs every example. The script may add flags at the end.
func TestDocumentedCommands(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "docs.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	examples := examplesIn(string(doc))
	if len(examples) == 0 {
		t.Fatal("docs/cli.md has no examples")
	}
	for _, example := range examples {
		if !strings.Contains(string(script), "exec "+example+"\n") && !strings.Contains(string(script), "exec "+example+" ") {
			t.Errorf("no script runs %q", example)
		}
	}
	var cmds commands
	parser, err := kong.New(&cmds, kong.Vars{"version": "", "scenarios": ""}, kong.Name("dispatchapy"))
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		if !hasExample(examples, leaf.FullPath()) {
			t.Errorf("docs/cli.md has no example of %q", leaf.FullPath())
		}
	}
}

// examplesIn gives the lines of the blocks of shell, without redirections.
func examplesIn(doc string) []string {
	var examples []string
	inside := false
	for line := range strings.Lines(doc) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case inside:
			line, _, _ = strings.Cut(line, " > ")
			line, _, _ = strings.Cut(line, " < ")
			examples = append(examples, line)
		}
	}
	return examples
}

func hasExample(examples []string, path string) bool {
	for _, example := range examples {
		if example == path || strings.HasPrefix(example, path+" ") {
			return true
		}
	}
	return false
}
