package deliver

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestWhatThisMachineLacksIsNotTheResourcesFault(t *testing.T) {
	for errno, want := range map[syscall.Errno]bool{
		syscall.EMFILE: true, syscall.ENFILE: true, syscall.EADDRNOTAVAIL: true, syscall.ENOBUFS: true,
		syscall.ECONNREFUSED: false, syscall.ECONNRESET: false, syscall.ETIMEDOUT: false,
	} {
		var r Result
		r.fail(context.Background(), &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", errno)}, false, time.Second)
		if r.NotSent != want {
			t.Errorf("%v: NotSent is %v", errno, r.NotSent)
		}
	}
}
