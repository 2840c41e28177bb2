package webui

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"

	"dispatchapy/internal/webui/assets"
	"dispatchapy/internal/webui/i18n"
)

//go:embed templates/*.html templates/shared/*.html
var templateFiles embed.FS

// templates holds the pages in every language: what a template calls t is bound
// to one when it is parsed.
type templates struct {
	pages map[string]map[string]*template.Template // language -> page
}

// parseTemplates parses every page with the shared templates.
func parseTemplates(set *assets.Set) *templates {
	t := &templates{pages: map[string]map[string]*template.Template{}}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, lang := range append(i18n.Languages, i18n.Pseudo) {
		shared := template.Must(template.New("").Funcs(functions(lang, set)).ParseFS(templateFiles, "templates/shared/*.html"))
		pages := map[string]*template.Template{}
		for _, file := range files {
			name := strings.TrimSuffix(path.Base(file), ".html")
			pages[name] = template.Must(template.Must(shared.Clone()).ParseFS(templateFiles, file))
		}
		t.pages[lang.Code] = pages
	}
	return t
}

func (t *templates) page(lang *i18n.Language, name string) *template.Template {
	return t.pages[lang.Code][name]
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
