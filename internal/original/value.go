package original

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// row gives the values of a row by column, in whatever type they were stored:
// SQLite keeps any value in any column. A column that the table lacks reads
// like NULL.
type row struct {
	columns map[string]int
	values  []any
}

func (r row) value(column string) any {
	if i, ok := r.columns[column]; ok {
		return r.values[i]
	}
	return nil
}

// text gives a value as valid UTF-8, NULL as "".
func (r row) text(column string) string {
	switch v := r.value(column).(type) {
	case string:
		return strings.ToValidUTF8(v, "\uFFFD")
	case []byte:
		return strings.ToValidUTF8(string(v), "\uFFFD")
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return ""
}

// integer gives a whole number; ok is false for anything else.
func (r row) integer(column string) (n int64, ok bool) {
	switch v := r.value(column).(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case float64:
		return wholeNumber(v)
	case nil:
		return 0, false
	}
	return parseInteger(r.text(column))
}

// id gives a reference to another table, 0 if there is none.
func (r row) id(column string) int64 {
	n, _ := r.integer(column)
	return n
}

func parseInteger(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false
	}
	return wholeNumber(f)
}

func wholeNumber(f float64) (int64, bool) {
	const exact = 1 << 53
	if math.Trunc(f) != f || math.Abs(f) > exact { // true for NaN, too
		return 0, false
	}
	return int64(f), true
}

// on reads a switch. NULL is off, as it was for the original.
func (r row) on(column string) bool {
	on, _ := parseSwitch(r.text(column))
	return on
}

func parseSwitch(s string) (on, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "on", "yes":
		return true, true
	case "0", "false", "off", "no", "":
		return false, true
	}
	n, ok := parseInteger(s)
	return n != 0, ok
}

// timeLayouts are those of SQLite and of the original, which wrote UTC.
var timeLayouts = []string{"2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"}

// time gives a moment in UTC, the zero time if the value is none. Years that
// no message can be of count as none.
func (r row) time(column string) time.Time {
	switch v := r.value(column).(type) {
	case time.Time:
		return plausible(v)
	case int64:
		return plausible(time.Unix(v, 0))
	case string:
		for _, layout := range timeLayouts {
			if t, err := time.Parse(layout, strings.TrimSpace(v)); err == nil {
				return plausible(t)
			}
		}
	}
	return time.Time{}
}

func plausible(t time.Time) time.Time {
	t = t.UTC()
	if t.Year() < 2000 || t.Year() > 2200 {
		return time.Time{}
	}
	return t
}

// json gives a column that holds JSON: nil for NULL and for JSON's null. ok is
// false if the value is not JSON.
func (r row) json(column string) (raw json.RawMessage, ok bool) {
	text := strings.TrimSpace(r.text(column))
	if text == "" || text == "null" {
		return nil, true
	}
	return json.RawMessage(text), json.Valid([]byte(text))
}

// decode reads a column's JSON into a value. Text that itself is JSON, as an
// encoder that ran twice leaves it, is opened once more.
func decode[T any](r row, column string) (value T, ok bool) {
	raw, ok := r.json(column)
	if raw == nil || !ok {
		return value, ok
	}
	if json.Unmarshal(raw, &value) == nil {
		return value, true
	}
	var zero T
	var inner string
	if json.Unmarshal(raw, &inner) != nil {
		return zero, false
	}
	if strings.TrimSpace(inner) == "" {
		return zero, true
	}
	if json.Unmarshal([]byte(inner), &value) != nil {
		return zero, false
	}
	return value, true
}

// textOf gives a JSON value as people would write it: strings without quotes.
func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && len(raw) > 0 && raw[0] == '"' {
		return s
	}
	return string(raw)
}

// quoted gives text as a JSON string.
func quoted(s string) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil {
		panic("original: a string cannot be encoded: " + err.Error()) // strings always can
	}
	return raw
}
