package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// startSink runs a provider inside the test.
func startSink(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- (&sink{}).serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func post(ctx context.Context, addr, path, body string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func task(seq int, kind string) string {
	return fmt.Sprintf(`{"to":"1","seq":"%010d","kind":"%s"}`, seq, kind)
}

func TestSinkAnswersAndRecords(t *testing.T) {
	addr := startSink(t)
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{pathOK, task(1, "measured"), 200},
		{pathOK, task(1, "measured"), 200},
		{pathOK, task(9, "other"), 200},
		{pathFailing, task(4, "measured"), 500},
		{pathOK, task(4, "measured"), 200},
		{pathFailing, task(5, "measured"), 200},
		{pathOther, task(6, "other"), 200},
		{pathOK, `{"to":"1"}`, 422},
		{pathOK, `{"seq":"12"}`, 422},
		{pathOK, `{"seq":"9999999999"}`, 422},
		{"/nowhere", "", 404},
	} {
		if got, err := post(t.Context(), addr, c.path, c.body); err != nil || got != c.want {
			t.Errorf("%s %s: %d %v, want %d", c.path, c.body, got, err, c.want)
		}
	}
	count, err := get(t.Context(), addr, pathCount)
	if err != nil || string(count) != "3" {
		t.Errorf("%s tasks delivered (%v), want 3", count, err)
	}
	content, err := get(t.Context(), addr, pathRecords)
	if err != nil {
		t.Fatal(err)
	}
	records := make([]record, 6)
	if err := binary.Read(bytes.NewReader(content), binary.LittleEndian, records); err != nil {
		t.Fatal(err)
	}
	if len(content) != binary.Size(records) || records[1].Times != 2 || records[4].Failed == 0 || records[4].Arrived < records[4].Failed || records[0] != (record{}) {
		t.Errorf("records are %+v", records)
	}
	if _, err := get(t.Context(), addr, pathReset); err != nil {
		t.Fatal(err)
	}
	if count, err := get(t.Context(), addr, pathCount); err != nil || string(count) != "0" {
		t.Errorf("%s tasks after a reset (%v)", count, err)
	}
}

func TestSinkHangsUntilReleased(t *testing.T) {
	addr := startSink(t)
	if _, err := get(t.Context(), addr, pathHang); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := post(t.Context(), addr, pathOther, task(1, "other"))
		answered <- err
	}()
	if status, err := post(t.Context(), addr, pathOK, task(2, "measured")); status != 200 || err != nil {
		t.Errorf("another path answers %d %v", status, err)
	}
	select {
	case err := <-answered:
		t.Errorf("answered while hanging: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if _, err := get(t.Context(), addr, pathRelease); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

func TestSinkRefusesWhatItCannotRead(t *testing.T) {
	addr := startSink(t)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "411") {
		t.Errorf("answer %q %v, want 411", line, err)
	}
}

func TestGroupFsyncStoresEveryBodyBeforeItReturns(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ctx, cancel := context.WithCancel(t.Context())
	g := newGroupFsync(file)
	go g.run(ctx)

	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			body := fmt.Sprintf("body %02d", i)
			if err := g.store([]byte(body)); err != nil {
				t.Error(err)
			}
			content, err := os.ReadFile(file.Name())
			if err != nil || !bytes.Contains(content, []byte(body)) {
				t.Errorf("%q is not in the file: %v", body, err)
			}
		})
	}
	wg.Wait()
	content, err := os.ReadFile(file.Name())
	if err != nil || len(content) != 50*8 {
		t.Errorf("the file has %d bytes (%v), want 50 records of 8", len(content), err)
	}
	cancel()
	<-g.ended
	if err := g.store([]byte("late")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

func TestGroupFsyncReportsAFailedWrite(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	ctx, cancel := context.WithCancel(t.Context())
	g := newGroupFsync(file)
	go g.run(ctx)
	if err := g.store([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v", err)
	}
	cancel()
	<-g.ended
}

func TestChildEndsWithItsStandardInput(t *testing.T) {
	for _, kind := range []string{childNothing, childFsync, childSink} {
		stdin, parent := io.Pipe()
		stdout, in := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- Child(t.Context(), []string{kind, "--dir", t.TempDir()}, stdin, in) }()
		line, err := bufio.NewReader(stdout).ReadString('\n')
		addr, ok := strings.CutPrefix(strings.TrimSpace(line), listening)
		if err != nil || !ok {
			t.Fatalf("%s printed %q %v", kind, line, err)
		}
		if status, err := post(t.Context(), addr, pathOK, task(1, "measured")); status != 200 || err != nil {
			t.Errorf("%s answers %d %v", kind, status, err)
		}
		parent.Close()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestChildRefusesUnknownKinds(t *testing.T) {
	stdin, parent := io.Pipe()
	defer parent.Close()
	for _, args := range [][]string{nil, {"nonsense"}, {childSink, "--nonsense"}} {
		if err := Child(t.Context(), args, stdin, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}
