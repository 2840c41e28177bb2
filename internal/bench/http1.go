package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// readAnswer reads one HTTP/1.1 answer: its status, and whether the server
// closes the connection after it. It knows just enough of the protocol to be
// cheap: a body has a Content-Length.
func readAnswer(r *bufio.Reader) (status int, closing bool, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, false, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, false, fmt.Errorf("not an HTTP/1.1 answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, fmt.Errorf("not an HTTP status: %q", line)
	}
	h, err := readHeader(r)
	if err != nil {
		return 0, false, err
	}
	if h.length < 0 {
		return 0, false, errors.New("answer without Content-Length")
	}
	_, err = r.Discard(h.length)
	return status, h.closing, err
}

// header is what matters here of the header of a request or an answer.
type header struct {
	length  int    // Content-Length; -1: none
	closing bool   // Connection: close
	unknown string // a header that changes how a body is read
}

// readHeader reads header lines up to the empty one.
func readHeader(r *bufio.Reader) (header, error) {
	h := header{length: -1}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return h, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return h, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case isHeader(name, "Content-Length"):
			if h.length, err = strconv.Atoi(string(value)); err != nil || h.length < 0 {
				return h, fmt.Errorf("content length %q is not a number", value)
			}
		case isHeader(name, "Transfer-Encoding"), isHeader(name, "Expect"):
			h.unknown = string(line)
		case isHeader(name, "Connection"):
			h.closing = bytes.EqualFold(value, []byte("close"))
		}
	}
}

func isHeader(name []byte, want string) bool {
	return len(name) == len(want) && bytes.EqualFold(name, []byte(want))
}
