package original_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"dispatchapy"
	"dispatchapy/internal/original"
	"dispatchapy/internal/routing"
	"dispatchapy/internal/transform"
)

// oddValues are what goes wrong with values, besides random ones.
var oddValues = []any{
	nil, "", " ", "null", "None", "\x00", "a\nb", "\xff\xfe", "true", -1, 0, 1, 2, 77, 1 << 40, int64(-1 << 62), 1.5, 1e300, "9e999", "NaN",
	[]byte{0xff, 0, 'a'}, []byte("{}"), "{", "[]", "{}", "[1, null, \"a\", {}]", `"text"`, `"{\"a\": 1}"`, `{"": 1}`, `{"a.b": 1, "a": {"c": [1]}}`,
	`{"A": "x", "a": "y", "B": null, "C c": "z", "D": "a\nb"}`, "a.b", "a..b", ".", "..", "/", "//", "a b", "ü/ö", "../x", "send_sms", "sms",
	"http://", "http://a:99999/", "http://u:planted-password@h/", "://", "h:1", "http://[::1", "%zz", "a@b", "a@b, c", "(", "^(?!62)", "2026-02-30",
	"2026-02-01 10:00:00", "9999-12-31 23:59:59", "actual", "simple", "processing", "dev", "from_source", "generate_uuid", "Status Code: 99999 - Details: x",
	string(make([]rune, 300)), fmt.Sprintf("%0300d", 1), fmt.Sprintf("%0300d", 2),
}

// Whatever stands in the file, reading it gives a configuration that can be
// applied, and tasks that can be stored.
func TestAnythingInTheFile(t *testing.T) {
	template := database(t, tidy, manyTasks, `DELETE FROM tasks WHERE id > 12`)
	columns := columnsOf(t, template)
	content, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "odd.db")
	value := rapid.OneOf(rapid.SampledFrom(oddValues), rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }))
	rapid.Check(t, func(t *rapid.T) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		statements := []string{"PRAGMA synchronous = OFF"}
		var values []any
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			column := rapid.SampledFrom(columns).Draw(t, "column")
			where := rapid.SampledFrom([]string{"", " WHERE rowid = 1", " WHERE rowid = 2", " WHERE rowid % 2 = 1"}).Draw(t, "where")
			statements = append(statements, "UPDATE OR IGNORE "+column[0]+" SET \""+column[1]+"\" = ?"+where)
			values = append(values, value.Draw(t, "value"))
		}
		for i, statement := range statements {
			args := values[max(0, i-1):i]
			if _, err := db.Exec(statement, args...); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		mustBeUsable(t, path)
	})
}

func mustBeUsable(t *rapid.T, path string) {
	im, err := original.Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := im.Config.Validate(); err != nil {
		t.Fatal(err)
	}
	for i := range im.Config.Endpoints {
		im.Config.Endpoints[i].ID = int64(i + 1)
	}
	if _, err := routing.Compile(im.Config); err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(im.Config); err != nil {
		t.Fatal(err)
	}
	for task, err := range im.Tasks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		mustBeStorable(t, &task)
	}
}

func mustBeStorable(t *rapid.T, task *original.Task) {
	d := &task.Task
	_, err := transform.Parse(d.Source)
	finished := d.Status.Finished() && !d.FinishedAt.Before(d.CreatedAt) || !d.Status.Finished() && d.FinishedAt.IsZero()
	left := d.Status.Finished() || d.AttemptCount < d.MaxAttempts
	next := d.AttemptBase + d.AttemptCount + 1
	switch {
	case err != nil:
		t.Fatalf("task %d: %v", task.ID, err)
	case !d.Status.Valid() || d.Status == dispatchapy.StatusProcessing || !finished || task.Endpoint == "" || d.CreatedAt.IsZero():
		t.Fatalf("task %d: %+v", task.ID, task)
	case d.MaxAttempts < 1 || d.AttemptCount < 0 || !left || next <= len(task.Attempts):
		t.Fatalf("task %d: budget %+v with %d attempts", task.ID, d, len(task.Attempts))
	}
	for i, a := range task.Attempts {
		_, err := transform.Parse(a.RequestBody)
		if a.Number != i+1 || a.StartedAt.IsZero() || a.RequestBody != nil && err != nil {
			t.Fatalf("task %d, attempt %d: %+v", task.ID, i, a)
		}
	}
}

// columnsOf lists table and column of everything but the keys.
func columnsOf(t *testing.T, path string) [][2]string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND c.name <> 'id' ORDER BY 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var columns [][2]string
	for rows.Next() {
		var c [2]string
		if err := rows.Scan(&c[0], &c[1]); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}
