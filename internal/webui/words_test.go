package webui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"

	"dispatchapy/internal/webui/assets"
	"dispatchapy/internal/webui/i18n"
)

// TestEveryTextIsTranslated finds every text that pages show, in templates,
// code and scripts: each must be in the catalogue of each language, and the
// catalogue must have no others.
func TestEveryTextIsTranslated(t *testing.T) {
	used := map[string]string{} // key -> where
	templateKeys(t, used)
	codeKeys(t, used)
	for _, key := range scriptKeys {
		used[key] = "scriptKeys"
	}
	for _, lang := range i18n.Languages[1:] {
		for key, where := range used {
			if !lang.Knows(key) {
				t.Errorf("%s: no translation of %q (%s)", lang.Code, key, where)
			}
		}
		for _, key := range lang.Keys() {
			if used[key] == "" {
				t.Errorf("%s: %q is translated, but nothing shows it", lang.Code, key)
			}
		}
	}
}

// templateKeys finds {{t "..."}} and {{n "..." "..." ...}}.
func templateKeys(t *testing.T, used map[string]string) {
	t.Helper()
	all := newTemplates(assets.Load())
	for _, name := range all.names {
		for _, tmpl := range all.page(i18n.English, name).Templates() {
			if tmpl.Tree != nil {
				walk(t, tmpl.Tree.Root, name+".html", used)
			}
		}
	}
}

func walk(t *testing.T, node parse.Node, where string, used map[string]string) {
	t.Helper()
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			walk(t, child, where, used)
		}
	case *parse.ActionNode:
		walk(t, n.Pipe, where, used)
	case *parse.TemplateNode:
		walk(t, n.Pipe, where, used)
	case *parse.IfNode:
		walkBranch(t, &n.BranchNode, where, used)
	case *parse.RangeNode:
		walkBranch(t, &n.BranchNode, where, used)
	case *parse.WithNode:
		walkBranch(t, &n.BranchNode, where, used)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, cmd := range n.Cmds {
			walkCommand(t, cmd, where, used)
		}
	}
}

func walkBranch(t *testing.T, n *parse.BranchNode, where string, used map[string]string) {
	t.Helper()
	walk(t, n.Pipe, where, used)
	walk(t, n.List, where, used)
	walk(t, n.ElseList, where, used)
}

func walkCommand(t *testing.T, cmd *parse.CommandNode, where string, used map[string]string) {
	t.Helper()
	for _, arg := range cmd.Args {
		walk(t, arg, where, used)
	}
	name, ok := cmd.Args[0].(*parse.IdentifierNode)
	if !ok || name.Ident != "t" && name.Ident != "n" || len(cmd.Args) < 2 {
		return
	}
	place := 1
	if name.Ident == "n" {
		place = 2
	}
	key, ok := cmd.Args[place].(*parse.StringNode)
	if !ok {
		if _, variable := cmd.Args[place].(*parse.FieldNode); !variable {
			t.Errorf("%s: %s does not name its text", where, cmd)
		}
		return
	}
	used[key.Text] = where
}

// codeKeys finds texts in Go: arguments of methods that take a key first, N
// with the key second, and strings marked by tr("...").
func codeKeys(t *testing.T, used map[string]string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if key, ok := keyOf(call); ok {
					used[key] = file
				}
			}
			return true
		})
	}
}

// keyPlaces says which argument of a function is a key.
var keyPlaces = map[string]int{"t": 0, "T": 0, "done": 0, "tr": 0, "Refuse": 1, "state": 1, "N": 1}

func keyOf(call *ast.CallExpr) (string, bool) {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.Ident:
		name = f.Name
	}
	place, known := keyPlaces[name]
	if !known || len(call.Args) <= place {
		return "", false
	}
	literal, ok := call.Args[place].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	key, err := strconv.Unquote(literal.Value)
	return key, err == nil
}

// TestScriptsKnowTheirWords compares what scripts look up with what they are
// given.
func TestScriptsKnowTheirWords(t *testing.T) {
	looked := map[string]bool{}
	call := regexp.MustCompile(`\bword\(\s*"([^"]+)"`)
	for _, script := range scripts(t) {
		for _, match := range call.FindAllStringSubmatch(script, -1) {
			looked[match[1]] = true
			if !slices.Contains(scriptKeys, match[1]) {
				t.Errorf("a script shows %q, which is not in scriptKeys", match[1])
			}
		}
	}
	for _, key := range scriptKeys {
		if !looked[key] && !strings.Contains(strings.Join(scripts(t), ""), `"`+key+`"`) {
			t.Errorf("%q is in scriptKeys, and no script shows it", key)
		}
	}
}

// scripts gives the texts of our own scripts.
func scripts(t *testing.T) []string {
	t.Helper()
	var texts []string
	files, err := fs.Glob(os.DirFS("assets/js"), "*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join("assets/js", file))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}
