package webui

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/webui/i18n"
)

// speakers are the packages whose errors people read.
var speakers = []string{
	"../..", "../service", "../people", "../routing", "../transform", "../gatewayfile", "../health", "../original", "../intake", ".",
}

// TestEveryMessageIsTranslated finds the forms of all errors that are meant for
// people, and of all faults of fields, in the code that words them.
func TestEveryMessageIsTranslated(t *testing.T) {
	forms := map[string]string{}
	for _, dir := range speakers {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				messagesIn(t, file, forms)
			}
		}
	}
	for action := range map[dispatchapy.Action]bool{dispatchapy.ActionStop: true, dispatchapy.ActionRetry: true, dispatchapy.ActionSend: true, dispatchapy.ActionDelete: true} {
		_, reason, _ := strings.Cut(action.Refuse(1, dispatchapy.StatusProcessing).Message, "processing: ")
		forms[reason] = "status.go"
	}
	for _, lang := range i18n.Languages[1:] {
		for form, file := range forms {
			if !lang.KnowsSaid(form) {
				t.Errorf("%s: no translation of %q (%s)", lang.Code, form, file)
			}
		}
	}
}

// TestSendersReadTheirLanguage: what the documentation says of answers and keys.
func TestSendersReadTheirLanguage(t *testing.T) {
	for _, lang := range i18n.Languages[1:] {
		for _, e := range service.SenderErrors() {
			for _, text := range []string{e.When, e.Do} {
				if !lang.KnowsSaid(text) {
					t.Errorf("%s: no translation of %q", lang.Code, text)
				}
			}
		}
	}
}

// TestReadyMadeChannelsAreExplained in every language.
func TestReadyMadeChannelsAreExplained(t *testing.T) {
	all, _, err := (&service.Service{}).AlertTemplates(t.Context(), dispatchapy.Principal{Role: dispatchapy.RoleAdmin})
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, lang := range i18n.Languages[1:] {
		for _, template := range all {
			if !lang.KnowsSaid(template.Note) {
				t.Errorf("%s: no translation of %q", lang.Code, template.Note)
			}
		}
	}
}

// messagePlaces says which argument of a function is the form of a message.
var messagePlaces = map[string]int{"fault": 0, "check": 1, "invalid": 1, "Errorf": 1}

var verb = regexp.MustCompile(`%(\.\d+)?[a-zA-Z]`)

func messagesIn(t *testing.T, file string, forms map[string]string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := calledName(call)
		place, known := messagePlaces[name]
		if !known || len(call.Args) <= place || name == "Errorf" && !strings.HasPrefix(nameOf(call.Args[0]), "Code") {
			return true
		}
		arg := call.Args[place]
		if inner, ok := arg.(*ast.CallExpr); ok && len(inner.Args) > 0 { // fmt.Sprintf
			arg = inner.Args[0]
		}
		literal, ok := arg.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		if form := formOf(text); verb.ReplaceAllString(text, "") != "" {
			forms[form] = file
		}
		return true
	})
}

func calledName(call *ast.CallExpr) string { return nameOf(call.Fun) }

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// formOf makes a form of a format: its verbs become {1}, {2}, …
func formOf(format string) string {
	n := 0
	text := verb.ReplaceAllStringFunc(strings.ReplaceAll(format, "%%", "\x00"), func(string) string {
		n++
		return fmt.Sprintf("{%d}", n)
	})
	return strings.ReplaceAll(text, "\x00", "%")
}

func TestMessagesAreSaidInTheLanguageOfThePage(t *testing.T) {
	id := i18n.For("id")
	for english, want := range map[string]string{
		"must have at most 200 characters":                        "paling banyak 200 karakter",
		`"sms" is used twice: names must be unique`:               `"sms" dipakai dua kali: nama harus unik`,
		"task 7 is processing: only held tasks can be sent":       "tugas 7 berstatus processing: hanya tugas yang ditahan yang dapat dikirim",
		"must be between 1s and 5m":                               "harus antara 1s dan 5m",
		"must be between 0 and 36500, or 0: nothing is deleted":   "harus antara 0 dan 36500, atau 0: tidak ada yang dihapus",
		"something that nobody has thought of":                    "something that nobody has thought of",
		"there is another resource \"a b\": names must be unique": "ada resource \"a b\" lain: nama harus unik",
	} {
		if got := id.Said(english); got != want {
			t.Errorf("%q is said %q, want %q", english, got, want)
		}
		if got := i18n.English.Said(english); got != english {
			t.Errorf("in English %q is said %q", english, got)
		}
	}
}
