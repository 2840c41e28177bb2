package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dispatchapy"
	"dispatchapy/internal/store"
	"dispatchapy/internal/store/sqlite"
)

func insertOne(t testing.TB, s store.Store, ref string) int64 {
	t.Helper()
	got, err := s.InsertTasks(context.WithoutCancel(t.Context()), []store.NewTask{{Submission: dispatchapy.Submission{
		EndpointID: 1, ClientID: 2, Ref: ref, Scope: "s", Source: []byte(`{"ref":"` + ref + `"}`), MaxAttempts: 5, Delay: time.Hour,
	}}})
	if err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	return got[0].TaskID
}

func openArchive(t testing.TB, path string) *sqlite.Archive {
	t.Helper()
	a, err := sqlite.OpenArchive(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// execAt changes a database behind the program's back.
func execAt(t testing.TB, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), query)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func mustFacts(t testing.TB, path string) sqlite.Facts {
	t.Helper()
	f, err := openArchive(t, path).Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestCopyUnderLoad: a copy made while tasks come in is whole, and has every
// task that was acknowledged before.
func TestCopyUnderLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dispatchapy.db")
	s := openAt(t, path)
	defer shut(t, s)
	var acknowledged atomic.Int64
	first := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			acknowledged.Store(insertOne(t, s, fmt.Sprintf("load-%d", i)))
			if i == 100 {
				close(first)
			}
		}
	}()
	<-first
	a := openArchive(t, path)
	for i := range 3 {
		before := acknowledged.Load()
		file := filepath.Join(dir, fmt.Sprintf("copy-%d.db", i))
		if err := a.Copy(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		if got := mustFacts(t, file); got.Newest < before || got.Waiting != got.Newest {
			t.Errorf("the copy has %d tasks up to %d, want at least %d", got.Waiting, got.Newest, before)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v: want mode 0600", info, err)
		}
	}
	cancel()
	<-done
	if found, _ := filepath.Glob(filepath.Join(dir, ".backup-*")); len(found) > 0 {
		t.Errorf("left over: %v", found)
	}
}

func TestCopyRefusals(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dispatchapy.db")
	shut(t, openAt(t, path))
	a := openArchive(t, path)
	if err := a.Copy(t.Context(), path); dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
		t.Errorf("onto itself: %v", err)
	}
	if err := a.Copy(t.Context(), filepath.Join(dir, "absent", "x.db")); dispatchapy.ErrorCode(err) != dispatchapy.CodeInvalid {
		t.Errorf("into an absent directory: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Copy(ctx, filepath.Join(dir, "x.db")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*x.db*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestOpenArchiveRefusals(t *testing.T) {
	dir := t.TempDir()
	newer := filepath.Join(dir, "newer.db")
	s := openAt(t, newer)
	shut(t, s)
	execAt(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	foreign := filepath.Join(dir, "foreign.db")
	execAt(t, foreign, "CREATE TABLE tasks (id)")
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, bytes.Repeat([]byte("no database "), 500), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		newer: "newer version", foreign: "not a gateway's database", text: "not a database",
		dir: "not a file", filepath.Join(dir, "absent.db"): "there is no file",
	} {
		if _, err := sqlite.OpenArchive(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestRestore(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "dispatchapy.db"), filepath.Join(dir, "backup.db")
	s := openAt(t, path)
	insertOne(t, s, "kept")
	ended := store.Session{Hash: [32]byte{1}, UserID: 1, SeenAt: time.Now(), IdleEnd: time.Now().Add(time.Hour), AbsoluteEnd: time.Now().Add(time.Hour)}
	if err := s.PutSession(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	if err := openArchive(t, path).Copy(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	insertOne(t, s, "later")
	if n, err := s.DeleteSessions(t.Context(), store.SessionSelection{UserID: 1}); n != 1 || err != nil {
		t.Fatal(n, err)
	}

	if _, err := sqlite.Restore(t.Context(), backup, path, nil); dispatchapy.ErrorCode(err) != dispatchapy.CodeConflict {
		t.Errorf("while it is open: %v", err)
	}
	shut(t, s)
	refusal := errors.New("not this one")
	if _, err := sqlite.Restore(t.Context(), backup, path, func(*sqlite.Archive) error { return refusal }); !errors.Is(err, refusal) {
		t.Errorf("not accepted: %v", err)
	}
	if got := mustFacts(t, path).Newest; got != 2 {
		t.Fatalf("a refused restore left %d tasks, want 2", got)
	}

	aside, err := sqlite.Restore(t.Context(), backup, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustFacts(t, aside).Newest; got != 2 {
		t.Errorf("%d tasks set aside, want 2", got)
	}
	s = openAt(t, path)
	defer shut(t, s)
	page, err := s.ListTasks(t.Context(), store.TaskQuery{Limit: 10})
	if err != nil || len(page.Tasks) != 1 || page.Tasks[0].Ref != "kept" {
		t.Errorf("after the restore: %v, %v", page.Tasks, err)
	}
	if _, err := s.Session(t.Context(), ended.Hash); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a session that had ended came back: %v", err)
	}
	if entries, err := s.ListAudit(t.Context(), store.AuditQuery{Limit: 1}); err != nil || len(entries) != 1 || entries[0].Action != "restore" {
		t.Errorf("audit %+v, %v", entries, err)
	}
	if id := insertOne(t, s, "next"); id != 3 {
		t.Errorf("the next task is %d, want 3: 2 was another", id)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".new-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestRestoreGivesNothingOutTwice restores a backup from before anything was
// given out: what receivers, senders and editors hold on to goes on after what
// they have seen.
func TestRestoreGivesNothingOutTwice(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "dispatchapy.db"), filepath.Join(dir, "backup.db")
	s := openAt(t, path)
	if err := openArchive(t, path).Copy(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	first := giveOut(t, s)
	shut(t, s)
	if _, err := sqlite.Restore(t.Context(), backup, path, nil); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	defer shut(t, s)
	for what, id := range giveOut(t, s) {
		if id <= first[what] {
			t.Errorf("%s %d was given out before: the last one was %d", what, id, first[what])
		}
	}
}

// giveOut makes one of everything that others know by a number.
func giveOut(t *testing.T, s store.Store) map[string]int64 {
	t.Helper()
	ctx := t.Context()
	present, err := s.ConfigVersion(ctx)
	if err != nil {
		t.Fatal(err)
	}
	version, ids, err := s.ApplyConfig(ctx, store.ConfigUpdate{
		Expect: present, Put: []store.ConfigObject{{Kind: store.KindResource, Name: "a", Body: []byte("sealed")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	key, now := store.ConditionKey{Kind: dispatchapy.EventBreakerOpen, ResourceID: ids[0]}, time.Now()
	late, err := s.RecordConditions(ctx, []store.ConditionChange{{
		Condition: store.Condition{ConditionKey: key, Active: true, Since: now},
		Incident: &store.IncidentChange{
			Kind: key.Kind, ResourceID: key.ResourceID, At: now, Open: true,
			Event: &dispatchapy.Event{Kind: key.Kind, ResourceID: key.ResourceID, At: now},
		},
	}})
	if err != nil || len(late) > 0 {
		t.Fatal(late, err)
	}
	events, err := s.ClaimEvents(ctx, time.Minute, 1)
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	notice := store.Notice{Channel: dispatchapy.ChannelRef{Name: "chat", Via: dispatchapy.ViaWebhook}, Group: "g"}
	stale, err := s.PlanEvents(ctx, []store.EventPlan{{EventID: events[0].Event.ID, Fence: events[0].Fence, Notices: []store.Notice{notice}}})
	if err != nil || len(stale) > 0 {
		t.Fatal(stale, err)
	}
	told, err := s.ListNotifications(ctx, store.NotificationQuery{Limit: 1})
	if err != nil || len(told) != 1 {
		t.Fatal(told, err)
	}
	return map[string]int64{
		"task": insertOne(t, s, "r"), "version": version, "object": ids[0],
		"event": events[0].Event.ID, "incident": events[0].Event.IncidentID, "notification": told[0].ID,
	}
}

// TestRestoreInPlaceOfWhatIsDamaged keeps the pieces.
func TestRestoreInPlaceOfWhatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "dispatchapy.db"), filepath.Join(dir, "backup.db")
	s := openAt(t, backup)
	insertOne(t, s, "kept")
	shut(t, s)
	junk := bytes.Repeat([]byte("junk"), 5000)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.WriteFile(name, junk, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	aside, err := sqlite.Restore(t.Context(), backup, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(aside); err != nil || !bytes.Equal(got, junk) {
		t.Errorf("the damaged database was not kept: %v", err)
	}
	s = openAt(t, path)
	defer shut(t, s)
	if id := insertOne(t, s, "next"); id != 2 {
		t.Errorf("the next task is %d, want 2", id)
	}
}

func TestRestoreRefusals(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dispatchapy.db")
	s := openAt(t, path)
	insertOne(t, s, "old")
	shut(t, s)

	whole := filepath.Join(dir, "whole.db")
	s = openAt(t, whole)
	for i := range 500 {
		insertOne(t, s, strings.Repeat("x", 200)+fmt.Sprint(i))
	}
	shut(t, s)
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	spoiled := bytes.Clone(data)
	copy(spoiled[len(spoiled)/2:], bytes.Repeat([]byte{0xA5}, 8192))
	open := write("open.db", data)
	write("open.db-wal", []byte("something"))
	for name, backup := range map[string]string{
		"absent":         filepath.Join(dir, "absent.db"),
		"itself":         path,
		"cut off":        write("cut.db", data[:len(data)/2]),
		"spoiled":        write("spoiled.db", spoiled),
		"empty":          write("empty.db", nil),
		"with a journal": open,
	} {
		if _, err := sqlite.Restore(t.Context(), backup, path, nil); err == nil {
			t.Errorf("%s: restored", name)
		}
		if got := mustFacts(t, path).Newest; got != 1 {
			t.Fatalf("%s: the database was touched", name)
		}
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 1 { // the lock
		t.Errorf("left over: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".new-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestRebuild(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "made", "dispatchapy.db")
	add := func(ref string) func(string) error {
		return func(part string) error {
			s := openAt(t, part)
			insertOne(t, s, ref)
			shut(t, s)
			return nil
		}
	}
	if aside, err := sqlite.Rebuild(t.Context(), path, add("first")); aside != "" || err != nil {
		t.Fatalf("where there was none: %q, %v", aside, err)
	}
	failure := errors.New("half-way")
	_, err := sqlite.Rebuild(t.Context(), path, func(part string) error {
		return errors.Join(add("lost")(part), failure)
	})
	if !errors.Is(err, failure) || mustFacts(t, path).Newest != 1 {
		t.Fatalf("a failure changed the database, or was lost: %v", err)
	}
	aside, err := sqlite.Rebuild(t.Context(), path, func(part string) error {
		if _, err := sqlite.Open(t.Context(), sqlite.Options{Path: path}); err == nil {
			t.Error("a gateway could start meanwhile")
		}
		return add("second")(part)
	})
	if err != nil || mustFacts(t, aside).Newest != 1 || mustFacts(t, path).Newest != 2 {
		t.Fatalf("rebuilt: %v", err)
	}
	s := openAt(t, path)
	defer shut(t, s)
	if _, err := sqlite.Rebuild(t.Context(), path, add("third")); dispatchapy.ErrorCode(err) != dispatchapy.CodeConflict {
		t.Errorf("while it is open: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "made", ".new-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}
