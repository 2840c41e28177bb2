package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// ChildCommand is the hidden subcommand under which the executable must call
// Child with the remaining arguments.
const ChildCommand = "bench-child"

// The kinds of children.
const (
	childNothing = "nothing"
	childFsync   = "fsync"
	childSink    = "sink"
)

// listening is what a child prints before its address.
const listening = "listening on "

// Child is the program of the helper processes: a provider or a yardstick on a
// free port of the loopback interface. It prints its address and runs until
// ctx ends or stdin does: a child never outlives the process that started it.
func Child(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%s: which kind?", ChildCommand)
	}
	flags := flag.NewFlagSet(ChildCommand, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	latency := flags.Duration("latency", 0, "how long the provider takes")
	dir := flags.String("dir", "", "directory of the file that is appended to")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		// Nothing is ever sent; the pipe closes when the parent ends.
		_, _ = io.Copy(io.Discard, stdin)
	}()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	fmt.Fprintln(stdout, listening+l.Addr().String())
	return serveChild(ctx, args[0], l, *latency, *dir)
}

func serveChild(ctx context.Context, kind string, l net.Listener, latency time.Duration, dir string) error {
	switch kind {
	case childSink:
		return (&sink{latency: latency}).serve(ctx, l)
	case childNothing:
		return yardstick(ctx, l, storeNothing)
	case childFsync:
		file, err := os.CreateTemp(dir, "fsync-")
		if err != nil {
			return err
		}
		defer os.Remove(file.Name()) //nolint:errcheck // temporary
		defer file.Close()
		g := newGroupFsync(file)
		go g.run(ctx)
		return yardstick(ctx, l, g.store)
	default:
		return fmt.Errorf("%s: there is no kind %q", ChildCommand, kind)
	}
}
