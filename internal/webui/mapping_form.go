package webui

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dispatchapy"
)

// The form of a mapping has the names of the resources, in the fields
// "resources", and for each of them a list of rows, "mapping[0]", in which a row
// is a target key with its source.

// mappingList names the rows of the i-th resource.
func mappingList(i int) string { return "mapping[" + strconv.Itoa(i) + "]" }

// setMapping writes the mappings of an endpoint into the form: of each resource
// first what it requires, in its order, then the other keys.
func (f *Form) setMapping(resources []string, required map[string][]string, mapping map[string]dispatchapy.Mapping) {
	f.values["resources"] = resources
	for i, name := range resources {
		for j, key := range mappingKeys(required[name], mapping[name]) {
			source, mapped := mapping[name][key]
			f.setSource(mappingList(i), j, key, source, mapped)
		}
	}
}

// mappingKeys gives the keys to be shown: those that are required come first,
// mapped or not. One that is built of its parts needs no row of its own.
func mappingKeys(required []string, m dispatchapy.Mapping) []string {
	var keys []string
	for _, key := range required {
		if _, mapped := m[key]; mapped || len(m.Missing([]string{key})) > 0 {
			keys = append(keys, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// setSource writes one row.
func (f *Form) setSource(list string, row int, key string, s dispatchapy.Source, mapped bool) {
	set := func(field, value string) { f.Set(At(list, row, field), value) }
	set("key", key)
	kind := kindFrom
	switch {
	case !mapped:
	case s.UUID:
		kind = kindUUID
	case s.Now:
		kind = kindNow
	case s.Template != "":
		kind = kindTemplate
	case len(s.Value) > 0:
		kind = kindValue
	}
	set("kind", kind)
	set("from", s.From)
	set("template", s.Template)
	set("value", toWords(s.Value))
	set("default", toWords(s.Default))
	set("type", s.Type)
}

// mapping reads the mappings, by resource. Rows without a source are passed
// over, and so are empty ones; what is wrong is noted if strict.
func (f *Form) mapping(required map[string][]string, strict bool) map[string]dispatchapy.Mapping {
	out := map[string]dispatchapy.Mapping{}
	for i, name := range f.Values("resources") {
		m := dispatchapy.Mapping{}
		list := mappingList(i)
		for j := range f.Rows(list) {
			key, source, fault := f.sourceOf(list, j)
			switch {
			case fault == "" && key == "":
				continue
			case fault == "" && hasKey(m, key):
				fault = "key"
			}
			switch {
			case fault == "":
				m[key] = source
			case !strict:
			case brokenJSON(source.Value):
				f.Refuse(At(list, j, "value"), "is not valid JSON: put text in double quotes")
			case brokenJSON(source.Default):
				f.Refuse(At(list, j, "default"), "is not valid JSON: put text in double quotes")
			case fault != "key" && slices.Contains(required[name], key): // not mapped yet
			case fault != "key":
				f.Refuse(At(list, j, fault), "is missing: say where the value comes from, or remove the key")
			case key == "":
				f.Refuse(At(list, j, "key"), "is missing: name the key that the resource gets")
			default:
				f.Refuse(At(list, j, "key"), "is there twice: remove one of them")
			}
		}
		if len(m) > 0 {
			out[name] = m
		}
	}
	return out
}

func hasKey(m dispatchapy.Mapping, key string) bool {
	_, there := m[key]
	return there
}

// sourceOf reads one row. fault names the field that is missing or broken; a row
// of which nothing was written has neither key nor fault.
func (f *Form) sourceOf(list string, row int) (key string, s dispatchapy.Source, fault string) {
	value := func(field string) string { return f.Value(At(list, row, field)) }
	key = strings.TrimSpace(value("key"))
	kind := value("kind")
	switch kind {
	case kindUUID:
		s.UUID = true
	case kindNow:
		s.Now = true
	case kindTemplate:
		s.Template = lines(value("template"))
	case kindValue:
		s.Value = fromWords(value("value"))
	default:
		kind, s.From = kindFrom, strings.TrimSpace(value("from"))
	}
	if takesDefault(kind) {
		s.Default = fromWords(value("default"))
	}
	if kind != kindUUID && kind != kindNow {
		s.Type = value("type")
	}
	empty := kind != kindUUID && kind != kindNow && s.From == "" && s.Template == "" && len(s.Value) == 0
	switch {
	case key == "" && empty && len(s.Default) == 0:
		return "", s, ""
	case key == "":
		return "", s, "key"
	case empty:
		return key, s, kind
	case brokenJSON(s.Value):
		return key, s, kindValue
	case brokenJSON(s.Default):
		return key, s, "default"
	}
	return key, s, ""
}

// brokenJSON reports whether a value begins like JSON and is none.
func brokenJSON(value json.RawMessage) bool { return len(value) > 0 && !json.Valid(value) }

func takesDefault(kind string) bool { return kind == kindFrom || kind == kindTemplate }

// placeMappingFaults moves the faults that the service has found in mappings to
// the rows that they are about.
func (f *Form) placeMappingFaults() {
	for i := range f.Faults {
		f.Faults[i].Path = f.mappingField(f.Faults[i].Path)
	}
}

// mappingField gives the field of the form for a path like
// mapping.NAME.KEY.from. Names and keys can have dots in them.
func (f *Form) mappingField(path string) string {
	found, longest := path, -1
	for i, name := range f.Values("resources") {
		rest, within := strings.CutPrefix(path, "mapping."+name+".")
		if !within {
			continue
		}
		list := mappingList(i)
		for j := range f.Rows(list) {
			key := strings.TrimSpace(f.Value(At(list, j, "key")))
			field, about := strings.CutPrefix(rest, key)
			if key == "" || !about || field != "" && field[0] != '.' || len(name)+len(key) <= longest {
				continue
			}
			if field = strings.TrimPrefix(field, "."); field == "" {
				field = "key"
			}
			found, longest = At(list, j, field), len(name)+len(key)
		}
	}
	return found
}

// labelMapping gives the fields of the rows names for the list of faults.
func (f *Form) labelMapping() {
	f.Labels = map[string]string{"example": f.lang.T("Example message")}
	for i, name := range f.Values("resources") {
		list := mappingList(i)
		for j := range f.Rows(list) {
			label := name + ": " + f.Value(At(list, j, "key"))
			for _, field := range []string{"key", "kind", "from", "template", "value", "default", "type"} {
				f.Labels[At(list, j, field)] = label
			}
		}
	}
}

// suggestMapping fills in the keys of the i-th resource that have no source yet.
func (f *Form) suggestMapping(i int, required, paths []string) (found int) {
	list := mappingList(i)
	rows := map[string]int{}
	for j := range f.Rows(list) {
		if key, _, fault := f.sourceOf(list, j); key != "" {
			rows[key] = j
			if fault == "" {
				required = slices.DeleteFunc(slices.Clone(required), func(r string) bool { return r == key || strings.HasPrefix(key, r+".") })
			}
		}
	}
	for key, source := range suggest(required, paths) {
		j, there := rows[key]
		if !there {
			j = f.Rows(list)
		}
		f.setSource(list, j, key, source, true)
		found++
	}
	return found
}

// copyMapping puts the rows of the resource at place from in the place of those
// of another. Required keys that it lacks stay.
func (f *Form) copyMapping(from, to int, required []string) {
	source := f.mapping(nil, false)[f.resourceAt(from)]
	f.takeRows(mappingList(to))
	for j, key := range mappingKeys(required, source) {
		s, mapped := source[key]
		f.setSource(mappingList(to), j, key, s, mapped)
	}
}

// resourceAt names the i-th resource; "" if there is none.
func (f *Form) resourceAt(i int) string {
	names := f.Values("resources")
	if i < 0 || i >= len(names) {
		return ""
	}
	return names[i]
}
