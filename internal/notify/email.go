package notify

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"dispatchapy"
)

const (
	maxSubject = 200       // characters
	maxOwn     = 256 << 10 // bytes of all texts of the notice's own in a mail
)

// letter is a mail before it has an address.
type letter struct {
	subject string
	text    string
	html    string
}

// block is one matter in a mail.
type block struct {
	Title string
	Over  bool
	Alarm bool // it is critical
	Rows  []row
	Own   string // the text of the notice itself, in the place of all others
	Link  string
}

type row struct{ Label, Value string }

// email words what there is to say as a mail.
func (t *telling) email(n *dispatchapy.EmailNotice) letter {
	v := t.all()
	var l letter
	l.subject, _ = fill(n.Subject, maxOwn, v.lookup)
	if n.Subject == "" || t.isOver() && !tells(n.Subject) {
		l.subject = "Dispatchapy Alert: " + v["title"]
		if t.isOver() {
			l.subject = "Dispatchapy: " + v["title"]
		}
	}
	if t.test && !strings.Contains(l.subject, "TEST") {
		l.subject = "[TEST] " + l.subject
	}
	l.subject = cut(strings.Join(strings.Fields(l.subject), " "), maxSubject)
	blocks := make([]block, len(t.matters))
	left := maxOwn
	for i := range t.matters {
		blocks[i] = t.block(&t.matters[i], n.Body, left)
		left = max(left-len(blocks[i].Own), 0)
	}
	l.text, l.html = t.plain(blocks), t.rich(l.subject, blocks)
	return l
}

// block words a matter: by the notice's own body, as far as that fits, and
// otherwise in the usual words.
func (t *telling) block(m *matter, body string, left int) block {
	v := t.of(m)
	b := block{Title: v["title"], Over: m.over(), Alarm: m.Kind.Severity() == dispatchapy.SeverityCritical, Link: v["link"]}
	if body != "" && left > 0 && (!m.over() || tells(body)) {
		own, _ := fill(body, left, v.lookup)
		b.Own, b.Link = strings.TrimRight(own, "\n"), ""
		return b
	}
	add := func(label, value string) {
		if value != "" {
			b.Rows = append(b.Rows, row{label, value})
		}
	}
	add("Reason", v["reason"])
	if address := v["resource_endpoint"]; address != "" {
		add("Resource", m.Resource+" ("+address+")")
	} else {
		add("Resource", m.Resource)
	}
	add("Endpoint", m.Endpoint)
	add("Task", v["task_id"])
	switch {
	case m.OpenedAt.IsZero():
		add("At", v["timestamp_utc"])
	case m.over():
		add("From", v["since"])
		add("To", v["timestamp_utc"])
		add("Lasted", v["downtime"])
	default:
		add("Since", v["since"])
		if !m.At.Equal(m.OpenedAt) {
			add("For", v["downtime"])
		}
	}
	for i := range m.earlier {
		add("Before", instant(m.earlier[i].At)+": "+titleOf(&m.earlier[i]))
	}
	add("Incident", v["incident_id"])
	return b
}

// plain writes the blocks as text.
func (t *telling) plain(blocks []block) string {
	var out strings.Builder
	if t.test {
		out.WriteString("This is a test. Nothing has happened.\n\n")
	}
	for i, b := range blocks {
		if i > 0 {
			out.WriteString("\n----\n\n")
		}
		if b.Own != "" {
			out.WriteString(b.Own + "\n")
			continue
		}
		out.WriteString(b.Title + "\n\n")
		for _, r := range b.Rows {
			fmt.Fprintf(&out, "%-10s %s\n", r.Label+":", strings.ReplaceAll(r.Value, "\n", "\n           "))
		}
		if b.Link != "" {
			out.WriteString("\n" + b.Link + "\n")
		}
	}
	if more := t.moreWords(); more != "" {
		out.WriteString("\n" + more + "\n")
	}
	out.WriteString("\n-- \nDispatchapy on " + t.gateway + "\n")
	return out.String()
}

func (t *telling) moreWords() string {
	if t.more == 0 {
		return ""
	}
	return fmt.Sprintf("There are %d more events than fit in here.", t.more)
}

//go:embed email.html
var emailPage string

var emailTemplate = template.Must(template.New("email").Parse(emailPage))

// rich writes the blocks as a page.
func (t *telling) rich(subject string, blocks []block) string {
	var out bytes.Buffer
	err := emailTemplate.Execute(&out, struct {
		Subject, More, Gateway string
		Test                   bool
		Blocks                 []block
	}{subject, t.moreWords(), t.gateway, t.test, blocks})
	if err != nil {
		return "" // the plain text says it all
	}
	return out.String()
}
