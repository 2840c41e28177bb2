package webui

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dispatchapy"
	"dispatchapy/internal/service"
	"dispatchapy/internal/webui/i18n"
)

// speakers are the packages whose errors people read.
var speakers = []string{
	"../..", "../service", "../people", "../routing", "../transform", "../gatewayfile", "../health", "../original", "../intake", "../dispatch", "../live", ".",
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
		if field, ok := n.(*ast.KeyValueExpr); ok && nameOf(field.Key) == "Message" {
			noteForm(t, field.Value, file, forms) // of an error that is made at once
			return true
		}
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := calledName(call)
		place, known := messagePlaces[name]
		if !known || len(call.Args) <= place || name == "Errorf" && !strings.HasPrefix(nameOf(call.Args[0]), "Code") {
			return true
		}
		noteForm(t, call.Args[place], file, forms)
		return true
	})
}

// noteForm notes the form of a message, if it is written where it is used.
func noteForm(t *testing.T, message ast.Expr, file string, forms map[string]string) {
	t.Helper()
	if inner, ok := message.(*ast.CallExpr); ok && len(inner.Args) > 0 { // fmt.Sprintf
		message = inner.Args[0]
	}
	literal, ok := message.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		t.Fatal(err)
	}
	if form := formOf(text); strings.Trim(verb.ReplaceAllString(text, ""), ": ") != "" {
		forms[form] = file
	}
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

		// what deliveries and checks say
		"no answer within 15s":                                                               "tidak ada jawaban dalam 15s",
		"connection refused by 127.0.0.1:9":                                                  "koneksi ditolak oleh 127.0.0.1:9",
		`host name "a.example" does not exist`:                                               `nama host "a.example" tidak ada`,
		"is down for 5m0s: no connection within 5s":                                          "mati selama 5m0s: tidak ada koneksi dalam 5s",
		"all 3 attempts are spent: TLS: bad certificate":                                     "semua 3 percobaan habis: TLS: bad certificate",
		"HTTP 302 Found: redirects are not followed (to b.example)":                          "HTTP 302 Found: pengalihan tidak diikuti (ke b.example)",
		"accepted with HTTP 200; the answer's body is incomplete: it did not arrive in time": "diterima dengan HTTP 200; isi jawaban tidak lengkap: tidak tiba tepat waktu",
	} {
		if got := id.Said(english); got != want {
			t.Errorf("%q is said %q, want %q", english, got, want)
		}
		if got := i18n.English.Said(english); got != english {
			t.Errorf("in English %q is said %q", english, got)
		}
	}
}

// TestPagesSayErrorsInTheirLanguage finds errors that reach people as they were
// worded: what an error says goes through Said on its way to a page.
func TestPagesSayErrorsInTheirLanguage(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range unsaid(tree) {
			t.Errorf("%s: what an error says is shown as it is: use c.said, or lang.Said", set.Position(at))
		}
	}
}

// unsaid gives the places at which the text of an error is read outside of a
// call of Said. A Message belongs to an error unless it is a form's, and forms
// remember how messages were worded.
func unsaid(file *ast.File) []token.Pos {
	var found []token.Pos
	var stack []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		parents := stack
		stack = append(stack, n)
		selector, ok := n.(*ast.SelectorExpr)
		if !ok || selector.Sel.Name != "Error" && selector.Sel.Name != "Message" {
			return true
		}
		if len(parents) > 1 {
			if f, ok := parents[1].(*ast.FuncDecl); ok && f.Name.Name == "Fault" {
				return true // of a form, which has said it
			}
		}
		if owner := strings.ToLower(nameOf(selector.X)); selector.Sel.Name == "Message" && (owner == "f" || owner == "form") {
			return true
		}
		for i, parent := range parents {
			switch p := parent.(type) {
			case *ast.CallExpr:
				if calledName(p) == "Said" {
					return true
				}
				if selector.Sel.Name == "Error" && p.Fun == ast.Expr(selector) && len(p.Args) > 0 {
					return true // it logs
				}
			case *ast.IndexExpr:
				if nameOf(p.X) == "worded" {
					return true
				}
			case *ast.AssignStmt:
				if left, ok := p.Lhs[0].(*ast.IndexExpr); ok && nameOf(left.X) == "worded" || i == len(parents)-1 && slices.Contains(p.Lhs, ast.Expr(selector)) {
					return true
				}
			}
		}
		if selector.Sel.Name == "Message" || len(parents) > 0 && isCall(parents[len(parents)-1], selector) {
			found = append(found, selector.Pos())
		}
		return true
	})
	return found
}

func isCall(n ast.Node, fun ast.Expr) bool {
	call, ok := n.(*ast.CallExpr)
	return ok && call.Fun == fun
}

func TestUnsaidFindsWhatItShould(t *testing.T) {
	for code, want := range map[string]int{
		`form.Message = err.Error()`:                                   1,
		`p.Form.Message = fault.Message`:                               1,
		`c.again(toast{Text: known.Fields[0].Message}, back)`:          1,
		`c.again(toast{Text: c.lang.Said(err.Error())}, back)`:         0,
		`fault.Message = c.lang.Said(fault.Message)`:                   0,
		`c.ui.log.Error("it failed", "error", err)`:                    0,
		`if p.Form.Message != "" { return }`:                           0,
		`if strings.Contains(fault.Message, "header name") { return }`: 1,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+code+"\n}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(unsaid(file)); got != want {
			t.Errorf("%s: %d places, want %d", code, got, want)
		}
	}
}
