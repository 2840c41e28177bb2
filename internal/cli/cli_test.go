package cli_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"dispatchapy/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"dispatchapy": func() { os.Exit(cli.Run(os.Args[1:], "test", os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// testdata is where the scripts are, wherever a test has gone to.
var testdata = func() string {
	path, err := filepath.Abs("testdata")
	if err != nil {
		panic(err)
	}
	return path
}()

// TestCommands runs the scripts of testdata, each in a directory of its own.
// $PROVIDER is a resource that accepts everything, $DEAD one that never does,
// $FREE_ADDR an address to listen on.
func TestCommands(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(provider.Close)
	dead := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not today", http.StatusUnprocessableEntity)
	}))
	t.Cleanup(dead.Close)
	mailHost, mailPort := mailServer(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PROVIDER", provider.URL)
			e.Setenv("DEAD", dead.URL)
			e.Setenv("NL", "\n")
			// With the race detector each command would sleep a second at its end.
			e.Setenv("GORACE", "atexit_sleep_ms=20")
			e.Setenv("SMTP_HOST", mailHost)
			e.Setenv("SMTP_PORT", mailPort)
			free, err := freeAddr()
			e.Setenv("FREE_ADDR", free)
			return err
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"envsubst":   envsubst,
			"originaldb": originalDB,
			"waitfile":   waitFile,
			"waitline":   waitLine,
			"waitout":    waitOut,
		},
	})
}

// mailServer starts a mail server that takes everything.
func mailServer(t *testing.T) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go takeMail(conn)
		}
	}()
	host, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func takeMail(conn net.Conn) {
	defer conn.Close()
	fmt.Fprint(conn, "220 mail.example\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch word, _, _ := strings.Cut(lines.Text(), " "); word {
		case "DATA":
			fmt.Fprint(conn, "354 go on\r\n")
			for lines.Scan() && lines.Text() != "." {
				continue
			}
			fmt.Fprint(conn, "250 taken\r\n")
		case "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

// envsubst replaces variables of the script's environment in files.
func envsubst(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(name)
		ts.Check(os.WriteFile(path, []byte(os.Expand(ts.ReadFile(name), ts.Getenv)), 0o600))
	}
}

// freeAddr gives an address that nobody listens on just now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// originalDB unpacks a database of the original that has been in use.
func originalDB(ts *testscript.TestScript, _ bool, args []string) {
	packed, err := os.Open(filepath.Join(testdata, "original-1.2.1.db.gz"))
	ts.Check(err)
	defer packed.Close()
	unpack, err := gzip.NewReader(packed)
	ts.Check(err)
	data, err := io.ReadAll(unpack)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// waitFile waits until a file exists.
func waitFile(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	waitUntil(ts, args[0]+" did not appear", func() bool {
		_, err := os.Stat(path)
		return err == nil
	})
}

// waitLine waits until a file that is being written has a text in it.
func waitLine(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	waitUntil(ts, args[0]+" never had the text "+args[1], func() bool {
		data, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(data), args[1])
	})
}

func waitUntil(ts *testscript.TestScript, otherwise string, done func() bool) {
	deadline := time.Now().Add(time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			ts.Fatalf("%s", otherwise)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// waitOut runs a command until what it prints matches a pattern.
func waitOut(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	waitUntil(ts, "nothing printed matches "+args[0], func() bool {
		return ts.Exec(args[1], args[2:]...) == nil && pattern.MatchString(ts.ReadFile("stdout"))
	})
}
