package webui

import (
	"strconv"
	"strings"
)

// editRows does to a list what a button of a form without scripts asks for:
// do="add headers", "remove headers 2", "up headers 2" or "down headers 2". It
// reports whether there was such a button, for one of these lists; the form is
// then to be shown again. With scripts forms.js does the same in the page.
func (f *Form) editRows(lists ...string) bool {
	verb, rest, _ := strings.Cut(f.Do(), " ")
	list, place, _ := strings.Cut(rest, " ")
	known := false
	for _, l := range lists {
		known = known || l == list
	}
	if !known {
		return false
	}
	rows := f.takeRows(list)
	at, err := strconv.Atoi(place)
	inside := err == nil && at >= 0 && at < len(rows)
	switch {
	case verb == "add" && len(rows) < maxRows:
		rows = append(rows, nil)
	case verb == "remove" && inside:
		rows = append(rows[:at], rows[at+1:]...)
	case verb == "up" && inside && at > 0:
		rows[at-1], rows[at] = rows[at], rows[at-1]
	case verb == "down" && inside && at < len(rows)-1:
		rows[at+1], rows[at] = rows[at], rows[at+1]
	}
	f.putRows(list, rows)
	return true
}

// row is the fields of one row of a list, by what follows its place in their
// names: "" or ".name".
type row map[string][]string

// takeRows takes the rows of a list out of the form.
func (f *Form) takeRows(list string) []row {
	rows := make([]row, f.Rows(list))
	for name, values := range f.values {
		rest, found := strings.CutPrefix(name, list+"[")
		if !found {
			continue
		}
		place, field, _ := strings.Cut(rest, "]")
		i, err := strconv.Atoi(place)
		if err != nil || i < 0 || i >= len(rows) {
			continue
		}
		if rows[i] == nil {
			rows[i] = row{}
		}
		rows[i][field] = values
		delete(f.values, name)
	}
	return rows
}

// putRows puts rows back. One without any field gets an empty one, so that it
// is counted.
func (f *Form) putRows(list string, rows []row) {
	for i, fields := range rows {
		if len(fields) == 0 {
			fields = row{".": {""}}
		}
		for field, values := range fields {
			f.values[list+"["+strconv.Itoa(i)+"]"+field] = values
		}
	}
}
