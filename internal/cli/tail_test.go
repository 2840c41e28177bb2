package cli

import (
	"fmt"
	"strings"
	"testing"
)

func TestTaskWatch(t *testing.T) {
	w := &taskWatch{seen: map[int64]string{}, first: 2}
	for i, look := range []struct{ tasks, want string }{
		{"5held 4failed 3pending", "4failed 5held"}, // the first look prints so many
		{"5held 4failed 3pending", ""},
		{"6pending 5held 4failed 3success", "3success 6pending"},
		{"-", ""}, // the gateway was away
		{"6success 5held 3success", "6success"},
		{"6success 5held 3success 2failed 1held", ""}, // come up because 4 was deleted
		{"8pending 7success 6success 5stopped", "5stopped 7success 8pending"},
		{"", ""},
		{"9pending", "9pending"},
	} {
		var got []string
		for _, n := range w.news(parseTasks(t, look.tasks)) {
			got = append(got, fmt.Sprint(n.ID, n.Status))
		}
		if strings.ReplaceAll(strings.Join(got, ","), " ", "") != strings.ReplaceAll(look.want, " ", ",") {
			t.Errorf("look %d: %v, want %s", i, got, look.want)
		}
	}
}

func TestTaskWatchReaches(t *testing.T) {
	w := &taskWatch{seen: map[int64]string{}}
	if !w.reaches(parseTasks(t, "9held")) || w.reaches(nil) {
		t.Error("the first look takes one page")
	}
	w.news(parseTasks(t, "9held 7held"))
	for tasks, want := range map[string]bool{"20held 12held": false, "12held 9held": true, "12held 6held": true, "12held 8held": false} {
		if got := w.reaches(parseTasks(t, tasks)); got != want {
			t.Errorf("reaches(%s) = %v", tasks, got)
		}
	}
}

// parseTasks reads tasks like "5held 4failed"; "-" means none were got.
func parseTasks(t *testing.T, text string) []tailedTask {
	t.Helper()
	if text == "-" {
		return nil
	}
	tasks := []tailedTask{}
	for word := range strings.FieldsSeq(text) {
		var found tailedTask
		if _, err := fmt.Sscanf(word, "%d%s", &found.ID, &found.Status); err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, found)
	}
	return tasks
}
