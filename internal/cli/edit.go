package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
)

type objectCreateCmd[K kinder] struct {
	remote
	File string `short:"f" default:"-" placeholder:"FILE" help:"The object as in a gateway file, YAML or JSON; absent or -: standard input."`
}

// Run creates an object.
func (c *objectCreateCmd[K]) Run(ctx context.Context, con *console) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	body, err := readObject(c.File, con.in)
	if err != nil {
		return err
	}
	var k K
	answer, err := api.do(ctx, "POST", k.kind().path, "application/json", "application/json", body)
	if err != nil {
		return err
	}
	return printWritten(con, k.kind(), "created", answer)
}

func readObject(file string, in io.Reader) ([]byte, error) {
	data, err := readFile(file, in)
	if err != nil {
		return nil, err
	}
	if file == "-" {
		file = "standard input"
	}
	return gatewayfile.ToJSON(file, data)
}

type objectEditCmd[K kinder] struct {
	named[K]
	editing
}

// Run changes an object.
func (c *objectEditCmd[K]) Run(ctx context.Context, con *console) error {
	f, err := c.find(ctx)
	if err != nil {
		return err
	}
	var k K
	return c.edit(ctx, con, k.kind(), f)
}

// editing is how an object is changed.
type editing struct {
	File  string `short:"f" placeholder:"FILE" help:"The object as in a gateway file, YAML or JSON; - for standard input. Absent, on a terminal: your editor."`
	Merge bool   `help:"Change only the keys that are given; null gives a key its default again. Without it, absent keys have their default."`
}

// Help is printed below the flags.
func (c *editing) Help() string {
	return "The editor is $VISUAL, $EDITOR or vi. Secrets are masked, and stay as they are where the mask is left.\n" +
		"A version in the text must be the present one: what somebody else changed meanwhile is not overwritten."
}

func (c *editing) edit(ctx context.Context, con *console, k kind, f *found) error {
	file := c.File
	if file == "" {
		if isTerminal(con.in) {
			return c.inEditor(ctx, con, k, f)
		}
		file = "-"
	}
	body, err := readObject(file, con.in)
	if err != nil {
		return err
	}
	return c.write(ctx, con, k, f, body)
}

func (c *editing) write(ctx context.Context, con *console, k kind, f *found, body []byte) error {
	method := "PUT"
	if c.Merge {
		method = "PATCH"
	}
	version := f.Version
	if hasVersion(body) {
		version = ofBody
	}
	answer, err := f.api.doMatching(ctx, method, f.path, version, body)
	if err != nil {
		return err
	}
	return printWritten(con, k, "changed", answer)
}

// hasVersion reports whether the text of an object says which version it is
// based on.
func hasVersion(body []byte) bool {
	var given struct {
		Version *int64 `json:"version"`
	}
	return json.Unmarshal(body, &given) == nil && given.Version != nil
}

// inEditor lets a person edit the object. Text that is refused is kept.
func (c *editing) inEditor(ctx context.Context, con *console, k kind, f *found) error {
	before, err := gatewayfile.ToYAML(f.raw)
	if err != nil {
		return err
	}
	path, after, err := editText(ctx, con, before)
	if err != nil {
		return err
	}
	if bytes.Equal(before, after) {
		fmt.Fprintln(con.out, "no changes")
		return os.Remove(path)
	}
	body, err := gatewayfile.ToJSON(path, after)
	if err == nil {
		err = c.write(ctx, con, k, f, body)
	}
	if err != nil {
		fmt.Fprintf(con.err, "your text is kept: correct it and run this again with -f %s\n", path)
		return err
	}
	return os.Remove(path)
}

// editText gives the text to the person's editor. The file is for its owner
// only.
func editText(ctx context.Context, con *console, text []byte) (path string, edited []byte, err error) {
	editor := os.Getenv("VISUAL")
	if editor == "" {
		editor = os.Getenv("EDITOR")
	}
	words := strings.Fields(editor)
	if len(words) == 0 {
		words = []string{"vi"}
	}
	file, err := os.CreateTemp("", "dispatchapy-*.yaml") // mode 0600
	if err != nil {
		return "", nil, err
	}
	path = file.Name()
	_, err = file.Write(text)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return path, nil, err
	}
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], path)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = con.in, con.out, con.err
	if err := cmd.Run(); err != nil {
		_ = os.Remove(path) // nothing was edited
		return path, nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the editor %s: %w; set EDITOR, or give -f", words[0], err)
	}
	edited, err = os.ReadFile(path)
	return path, edited, err
}

// isTerminal reports whether a person can answer on it.
func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device as well
	return err != nil || !os.SameFile(info, null)
}
