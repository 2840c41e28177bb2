package webui_test

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// outline gives what a page says, as lines of text: headings, paragraphs, rows
// of tables, links with where they lead, fields with their values. It leaves out
// how things look, so that it changes when what people read or can do changes.
func outline(page string) (string, error) {
	root, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
	if err != nil {
		return "", err
	}
	o := &outliner{}
	if title := find(root, func(n *html.Node) bool { return n.DataAtom == atom.Title }); title != nil {
		o.write("title: ")
		o.children(title)
	}
	content := find(root, func(n *html.Node) bool { return valueOf(n, "id") == "main" })
	if content == nil {
		content = find(root, func(n *html.Node) bool { return n.DataAtom == atom.Body })
	}
	o.line()
	o.children(content)
	o.line()
	return strings.Join(o.lines, "\n") + "\n", nil
}

type outliner struct {
	lines []string
	now   strings.Builder // the line that is being written
}

var spaces = regexp.MustCompile(`\s+`)

func (o *outliner) write(text string) { o.now.WriteString(text) }

// line ends the line that is being written, unless it is empty.
func (o *outliner) line() {
	if text := strings.TrimSpace(spaces.ReplaceAllString(o.now.String(), " ")); text != "" {
		o.lines = append(o.lines, text)
	}
	o.now.Reset()
}

func (o *outliner) children(n *html.Node) {
	for child := range n.ChildNodes() {
		o.node(child)
	}
}

func (o *outliner) node(n *html.Node) {
	switch {
	case n.Type == html.TextNode:
		o.write(n.Data)
	case n.Type != html.ElementNode:
	case n.DataAtom == atom.Pre:
		o.verbatim(n)
	case o.isControl(n):
	case isInline[n.DataAtom]:
		o.write(" ") // what stands beside each other may be set apart by its style
		o.children(n)
		o.write(" ")
	default:
		o.line()
		o.write(opening[n.DataAtom])
		o.named(n)
		o.children(n)
		o.line()
	}
}

// opening says what a line of a kind begins with.
var opening = map[atom.Atom]string{
	atom.H1: "# ", atom.H2: "## ", atom.H3: "### ", atom.H4: "#### ", atom.Li: "- ", atom.Tr: "row ", atom.Summary: "more: ", atom.Caption: "table: ", atom.Legend: "group: ",
}

var isInline = map[atom.Atom]bool{
	atom.Span: true, atom.B: true, atom.Strong: true, atom.Em: true, atom.I: true, atom.Small: true, atom.Code: true, atom.Label: true, atom.Bdi: true, atom.Mark: true,
	atom.Kbd: true, atom.Abbr: true, atom.Samp: true, atom.Del: true, atom.Ins: true, atom.Var: true,
}

// isControl writes what people press, fill in or see as a picture, and reports
// whether the element is one of those.
func (o *outliner) isControl(n *html.Node) bool {
	switch n.DataAtom {
	case atom.A:
		o.between(" [", n, "]("+valueOf(n, "href")+") ")
	case atom.Button:
		o.between(" [[", n, "]] ")
	case atom.Td, atom.Th:
		o.between("| ", n, " ")
	case atom.Time:
		o.write("‹time›")
	case atom.Input:
		o.input(n)
	case atom.Textarea:
		o.between(" {"+valueOf(n, "name")+": ", n, "} ")
	case atom.Select:
		o.write(" {" + valueOf(n, "name") + ":")
		o.options(n)
		o.write("} ")
	case atom.Svg, atom.Img:
		o.named(n)
	case atom.Script, atom.Style, atom.Template:
	default:
		return false
	}
	return true
}

// between writes an element within its marks, on the line that it is on.
func (o *outliner) between(before string, n *html.Node, after string) {
	inner := &outliner{}
	inner.named(n)
	inner.children(n)
	inner.line()
	o.write(before + strings.Join(inner.lines, " / ") + after)
}

// named writes the name that assistive programs say.
func (o *outliner) named(n *html.Node) {
	if name := valueOf(n, "aria-label"); name != "" {
		o.write("(" + name + ") ")
	}
}

func (o *outliner) input(n *html.Node) {
	kind, name, value := valueOf(n, "type"), valueOf(n, "name"), valueOf(n, "value")
	switch {
	case name == "csrf":
	case kind == "checkbox" || kind == "radio":
		mark := "☐"
		if has(n, "checked") {
			mark = "☑"
		}
		o.write(" {" + mark + " " + name + " " + value + "} ")
	default:
		o.write(" {" + strings.TrimSpace(kind+" "+name) + ": " + value + "} ")
	}
}

func (o *outliner) options(n *html.Node) {
	for child := range n.Descendants() {
		if child.DataAtom != atom.Option {
			continue
		}
		before := " "
		if has(child, "selected") {
			before = " *"
		}
		o.between(before, child, "")
	}
}

// verbatim keeps the lines of what is preformatted.
func (o *outliner) verbatim(n *html.Node) {
	o.line()
	var text strings.Builder
	for child := range n.Descendants() {
		if child.Type == html.TextNode {
			text.WriteString(child.Data)
		}
	}
	for line := range strings.Lines(text.String()) {
		o.lines = append(o.lines, "    "+strings.TrimRight(line, " \n"))
	}
}

// find gives the first element, in the order of the page, that is wanted.
func find(root *html.Node, wanted func(*html.Node) bool) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && wanted(n) {
			return n
		}
	}
	return nil
}

func valueOf(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}
