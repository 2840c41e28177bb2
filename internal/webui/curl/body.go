package curl

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// finishBody fills in the body and what the headers say about it.
func (c *command) finishBody(r *Request) {
	separator := "&"
	if c.json {
		separator = ""
	}
	data := strings.Join(c.data, separator)
	switch {
	case len(c.form) > 0:
		r.Form, r.Body = true, formJSON(pairs(c.form))
	case data == "":
	case json.Valid([]byte(data)):
		r.Body = data
	default:
		if fields, ok := formFields(data); ok && !c.json {
			r.Form, r.Body = true, formJSON(fields)
		} else {
			r.Body = data
		}
	}
	c.dropContentType(r.Form)
}

// dropContentType takes away what is said without it, or what would be wrong:
// the gateway sends JSON.
func (c *command) dropContentType(form bool) {
	var kept []Header
	for _, h := range c.headers {
		value, _, _ := strings.Cut(strings.ToLower(h.Value), ";")
		if strings.EqualFold(h.Name, "Content-Type") && (form || strings.TrimSpace(value) == "application/json") {
			continue
		}
		kept = append(kept, h)
	}
	c.headers = kept
}

type field struct{ name, value string }

// formFields reads a=1&b=2. Something that is not of that form is no form.
func formFields(data string) ([]field, bool) {
	var out []field
	for part := range strings.SplitSeq(data, "&") {
		name, value, found := strings.Cut(part, "=")
		if !found || name == "" || strings.ContainsAny(name, "{}\"\n ") {
			return nil, false
		}
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, false
		}
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		out = append(out, field{name, value})
	}
	return out, true
}

// pairs reads the fields of --form. Files have no value here.
func pairs(form []string) []field {
	var out []field
	for _, f := range form {
		name, value, _ := strings.Cut(f, "=")
		if strings.HasPrefix(value, "@") || strings.HasPrefix(value, "<") {
			value = ""
		}
		out = append(out, field{name, value})
	}
	return out
}

// formJSON writes fields as a JSON object in their order.
func formJSON(fields []field) string {
	var members []string
	seen := map[string]bool{}
	for _, f := range fields {
		if !seen[f.name] {
			members = append(members, quoted(f.name)+":"+quoted(f.value))
		}
		seen[f.name] = true
	}
	return "{" + strings.Join(members, ",") + "}"
}

// quoted writes a JSON string as people would.
func quoted(s string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	return strings.TrimSuffix(out.String(), "\n")
}
