package service

import (
	"context"
	"fmt"
	"io"

	"dispatchapy"
)

// MaxOriginal is how large a database of the original may be that is uploaded.
const MaxOriginal = 1 << 30 // bytes

// Spool keeps uploaded files for a while. Create makes an empty one; Remove
// removes it again.
type Spool interface {
	Create() (SpoolFile, error)
	Remove(path string)
}

// SpoolFile is a file that is being written.
type SpoolFile interface {
	io.WriteCloser
	Name() string
}

// KeepUpload writes an uploaded database of the original to a file, for
// ImportOriginal. Whoever calls it must call DropUpload in the end.
func (s *Service) KeepUpload(_ context.Context, p dispatchapy.Principal, content io.Reader) (path string, err error) {
	if err := require(p, dispatchapy.WriteConfig); err != nil {
		return "", err
	}
	if s.spool == nil {
		return "", dispatchapy.Errorf(dispatchapy.CodeUnavailable, "this gateway takes no uploads")
	}
	file, err := s.spool.Create()
	if err != nil {
		return "", &dispatchapy.Error{Code: dispatchapy.CodeUnavailable, Message: "the upload cannot be stored: is the disk full?", Err: err}
	}
	n, err := io.Copy(file, io.LimitReader(content, MaxOriginal+1))
	closed := file.Close()
	switch {
	case err != nil:
		err = fmt.Errorf("the upload broke off: %w", err)
		err = &dispatchapy.Error{Code: dispatchapy.CodeInvalid, Message: "the upload broke off, or could not be stored", Err: err}
	case n > MaxOriginal:
		err = dispatchapy.Errorf(dispatchapy.CodeTooLarge, "the file is larger than %d MiB: use dispatchapy import on the machine itself", MaxOriginal>>20)
	default:
		err = closed
	}
	if err != nil {
		s.spool.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}

// DropUpload removes what KeepUpload has kept.
func (s *Service) DropUpload(path string) {
	if s.spool != nil && path != "" {
		s.spool.Remove(path)
	}
}
