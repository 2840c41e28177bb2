package webui

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"text/template/parse"

	"dispatchapy/internal/webui/assets"
	"dispatchapy/internal/webui/i18n"
)

//go:embed templates/*.html templates/shared/*.html
var templateFiles embed.FS

// templates holds the pages in every language: what a template calls t is bound
// to one when it is parsed. A page is parsed when it is first shown, because
// all of them in all languages would take as much memory as the gateway itself.
type templates struct {
	assets *assets.Set
	names  []string

	mu    sync.Mutex
	pages map[pageKey]*template.Template
}

type pageKey struct{ lang, name string }

// newTemplates finds the pages.
func newTemplates(set *assets.Set) *templates {
	t := &templates{assets: set, pages: map[pageKey]*template.Template{}}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil { // only a bad pattern can fail here
		panic(err)
	}
	for _, file := range files {
		t.names = append(t.names, strings.TrimSuffix(path.Base(file), ".html"))
	}
	return t
}

// page gives a page with the shared templates that it uses; nil if there is
// none of this name.
func (t *templates) page(lang *i18n.Language, name string) *template.Template {
	if !slices.Contains(t.names, name) {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := pageKey{lang.Code, name}
	if t.pages[key] == nil {
		t.pages[key] = parsePage(lang, t.assets, name)
	}
	return t.pages[key]
}

// parsePage parses a page and drops the shared templates that it does not use.
// What is embedded parses, or a test fails.
func parsePage(lang *i18n.Language, set *assets.Set, name string) *template.Template {
	own := template.Must(template.New("").Funcs(functions(lang, set)).ParseFS(templateFiles, "templates/"+name+".html"))
	roots := []string{"layout"}
	for _, t := range own.Templates() {
		roots = append(roots, t.Name())
	}
	all := template.Must(template.Must(template.New("").Funcs(functions(lang, set)).
		ParseFS(templateFiles, "templates/shared/*.html")).ParseFS(templateFiles, "templates/"+name+".html"))
	page := template.New("").Funcs(functions(lang, set))
	for name := range used(all, roots) {
		template.Must(page.AddParseTree(name, all.Lookup(name).Tree))
	}
	return page
}

// used gives the templates that the roots are made of, themselves included.
func used(all *template.Template, roots []string) map[string]bool {
	found := map[string]bool{}
	for len(roots) > 0 {
		name := roots[len(roots)-1]
		roots = roots[:len(roots)-1]
		if t := all.Lookup(name); t != nil && t.Tree != nil && !found[name] {
			found[name] = true
			roots = appendCalled(roots, t.Tree.Root)
		}
	}
	return found
}

// appendCalled adds the names of the templates that are called below a node.
func appendCalled(names []string, node parse.Node) []string {
	branch := func(b *parse.BranchNode) {
		names = appendCalled(names, b.List)
		if b.ElseList != nil {
			names = appendCalled(names, b.ElseList)
		}
	}
	switch n := node.(type) {
	case *parse.ListNode:
		for _, child := range n.Nodes {
			names = appendCalled(names, child)
		}
	case *parse.TemplateNode:
		names = append(names, n.Name)
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	}
	return names
}

// has reports whether a page has a part of its own.
func (t *templates) has(lang *i18n.Language, page, part string) bool {
	p := t.page(lang, page)
	return p != nil && p.Lookup(part) != nil
}

// execute renders a page, or a part of it.
func (t *templates) execute(w io.Writer, lang *i18n.Language, page, part string, data any) error {
	p := t.page(lang, page)
	if p == nil {
		return fmt.Errorf("there is no template %q", page)
	}
	if part == "" {
		part = "layout"
	}
	return p.ExecuteTemplate(w, part, data)
}
