package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"dispatchapy"
	"dispatchapy/internal/gatewayfile"
)

type settingsCmd struct {
	Show     settingsShowCmd `cmd:"" help:"Show them as they may be edited, the mail password masked."`
	Edit     settingsEditCmd `cmd:"" help:"Change them: from a file, from standard input, or in your editor."`
	Set      settingsSetCmd  `cmd:"" help:"Change single ones by their keys."`
	SMTPTest smtpTestCmd     `cmd:"" name:"smtp-test" help:"Try out the mail server, with other values than the saved ones or not; exit code 1 if it does not work."`
}

// settings is the one object of its kind.
var settings = kind{path: "/v1/settings", word: "settings"}

// settings gets them with what is needed to change them.
func (r *remote) settings(ctx context.Context) (*found, error) {
	api, err := r.connect()
	if err != nil {
		return nil, err
	}
	f := &found{api: api, path: settings.path}
	if err := api.call(ctx, "GET", f.path, &f.raw); err != nil {
		return nil, err
	}
	return f, json.Unmarshal(f.raw, f)
}

type settingsShowCmd struct {
	remote
	Output string `short:"o" enum:"yaml,json" default:"yaml" help:"Format: yaml or json."`
}

// Run shows the settings.
func (c *settingsShowCmd) Run(ctx context.Context, con *console) error {
	f, err := c.settings(ctx)
	if err != nil {
		return err
	}
	return f.print(con, c.Output)
}

type settingsEditCmd struct {
	remote
	editing
}

// Run changes the settings.
func (c *settingsEditCmd) Run(ctx context.Context, con *console) error {
	f, err := c.settings(ctx)
	if err != nil {
		return err
	}
	return c.edit(ctx, con, settings, f)
}

type settingsSetCmd struct {
	remote
	Pairs []string `arg:"" name:"key-value" help:"Key and value, any number of times. A dot leads into a group: retry.base 5s."`
}

// Help is printed below the flags.
func (c *settingsSetCmd) Help() string {
	return "A value is written as in the gateway file: 5, 12h, true, {min: 1s, max: 5s}; null gives a key its default again.\n" +
		"The value - is the first line of standard input: for a password."
}

// Run changes what is given, all of it or nothing.
func (c *settingsSetCmd) Run(ctx context.Context, con *console) error {
	if len(c.Pairs)%2 != 0 {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s has no value: give keys and values in turn", c.Pairs[len(c.Pairs)-1])
	}
	patch := map[string]any{}
	for i := 0; i < len(c.Pairs); i += 2 {
		value, err := readValue(c.Pairs[i], c.Pairs[i+1], con.in)
		if err != nil {
			return err
		}
		if err := put(patch, c.Pairs[i], value); err != nil {
			return err
		}
	}
	f, err := c.settings(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	merging := editing{Merge: true}
	return merging.write(ctx, con, settings, f, body)
}

// readValue reads a value as the gateway file would have it.
func readValue(key, text string, in io.Reader) (any, error) {
	if text == "-" {
		return firstLine(in)
	}
	object, err := gatewayfile.ToJSON("the value of "+key, []byte("value: "+text))
	if err != nil {
		return nil, err
	}
	var read map[string]json.RawMessage
	if err := json.Unmarshal(object, &read); err != nil {
		return nil, err
	}
	if len(read) != 1 {
		return nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the value of %s must be one line", key)
	}
	return read["value"], nil
}

// put places a value into nested objects.
func put(into map[string]any, path string, value any) error {
	key, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		if _, twice := into[key]; twice {
			return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is given twice", path)
		}
		into[key] = value
		return nil
	}
	if into[key] == nil {
		into[key] = map[string]any{}
	}
	group, ok := into[key].(map[string]any)
	if !ok {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "%s is given twice", key)
	}
	return put(group, rest, value)
}

// maxPassword bounds what is read where a password is expected, in bytes.
const maxPassword = 64 << 10

// firstLine reads what has no place on a command line.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxPassword)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", dispatchapy.Errorf(dispatchapy.CodeInvalid, "there is nothing on the first line")
	}
	return line, nil
}

type smtpTestCmd struct {
	remote
	To           string  `help:"Who gets a test mail. Absent: nothing is sent." placeholder:"ADDR"`
	Host         string  `help:"Instead of the saved one." placeholder:"NAME"`
	Port         int     `help:"Instead of the saved one." placeholder:"PORT"`
	Username     *string `help:"Instead of the saved one; empty: no login." placeholder:"NAME"`
	PasswordFile string  `help:"File with the password on its first line, instead of the saved one; - for standard input." placeholder:"FILE"`
	From         string  `help:"Instead of the saved one." placeholder:"ADDR"`
	Encryption   string  `enum:",starttls,tls,none" default:"" help:"Instead of the saved one: starttls, tls or none." placeholder:"KIND"`
}

// Run tries out the mail server and says what it said.
func (c *smtpTestCmd) Run(ctx context.Context, con *console) error {
	f, err := c.settings(ctx)
	if err != nil {
		return err
	}
	var saved struct {
		SMTP *mailServer `json:"smtp"`
	}
	if err := json.Unmarshal(f.raw, &saved); err != nil {
		return err
	}
	if saved.SMTP == nil && c.Host == "" {
		return dispatchapy.Errorf(dispatchapy.CodeInvalid, "--host: no mail server is saved: say which one to try")
	}
	server, err := c.server(saved.SMTP, con.in)
	if err != nil {
		return err
	}
	body, err := json.Marshal(server)
	if err != nil {
		return err
	}
	answer, err := f.api.do(ctx, "POST", f.path+"/smtp-test", "application/json", "application/json", body)
	if err != nil {
		return err
	}
	var result struct {
		OK     bool    `json:"ok"`
		Detail string  `json:"detail"`
		Took   float64 `json:"duration_ms"`
	}
	if err := json.Unmarshal(answer, &result); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "%s after %.1f ms\n", safe(result.Detail), result.Took)
	if !result.OK {
		return fmt.Errorf("the mail server cannot be used like this")
	}
	return nil
}

// mailServer is a mail server as the API words it.
type mailServer struct {
	Host       string `json:"host"`
	Port       int    `json:"port,omitempty"`
	Username   string `json:"username,omitempty"`
	Password   string `json:"password,omitempty"` // masked where it is the saved one
	From       string `json:"from"`
	Encryption string `json:"encryption,omitempty"`
	To         string `json:"to,omitempty"`
}

// server lays the flags over what is saved, which may be nil.
func (c *smtpTestCmd) server(saved *mailServer, in io.Reader) (server mailServer, err error) {
	if saved != nil {
		server = *saved
	}
	server.Host = cmp.Or(c.Host, server.Host)
	server.Port = cmp.Or(c.Port, server.Port)
	server.From = cmp.Or(c.From, server.From)
	server.Encryption = cmp.Or(c.Encryption, server.Encryption)
	server.To = c.To
	if c.Username != nil {
		server.Username = *c.Username
	}
	if server.Username == "" {
		server.Password = ""
	}
	if c.PasswordFile == "" {
		return server, nil
	}
	if c.PasswordFile != "-" {
		file, err := os.Open(c.PasswordFile)
		if err != nil {
			return server, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--password-file: %w", err)
		}
		defer file.Close()
		in = file
	}
	if server.Password, err = firstLine(in); err != nil {
		return server, dispatchapy.Errorf(dispatchapy.CodeInvalid, "--password-file: %w", err)
	}
	return server, nil
}
