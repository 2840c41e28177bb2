package deliver

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// errCompression marks a body that does not decompress.
var errCompression = errors.New("bad compression")

// gzipReaders saves 40 KiB per compressed answer.
var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// readBody reads up to limit bytes of an answer's body, counted after
// decompression: that bounds the memory whatever the body unpacks to. What is
// left over is read to its end only if the end is near, to save the connection.
// On error it gives what was read before.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	var body []byte
	var err error
	if isGzip(resp.Header) {
		body, err = readGzip(resp.Body, limit)
	} else {
		body, err = readUpTo(resp.Body, limit, resp.ContentLength)
	}
	if err == nil && int64(len(body)) == limit {
		// Fail open: a broken rest is of no interest, it costs the connection.
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrainedBytes)
	}
	return body, err
}

func isGzip(h http.Header) bool {
	encoding := h.Get("Content-Encoding")
	return strings.EqualFold(encoding, "gzip") || strings.EqualFold(encoding, "x-gzip")
}

func readGzip(raw io.Reader, limit int64) ([]byte, error) {
	z := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(z)
	source := &readErrors{Reader: raw}
	err := z.Reset(source)
	if errors.Is(err, io.EOF) { // no body at all, as with 204
		return nil, nil
	}
	var body []byte
	if err == nil {
		body, err = readUpTo(z, limit, -1)
	}
	if err != nil && source.err == nil {
		err = fmt.Errorf("%w: %w", errCompression, err)
	}
	return body, err
}

// readErrors remembers whether the source itself failed, which a decompressor
// does not tell from bad data.
type readErrors struct {
	io.Reader
	err error
}

func (r *readErrors) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// readUpTo reads until the end or the limit. length is a hint, -1 if unknown;
// it is not trusted with much memory.
func readUpTo(r io.Reader, limit, length int64) ([]byte, error) {
	if length == 0 {
		return nil, nil
	}
	if length < 0 {
		length = 512
	}
	buf := make([]byte, 0, min(length, limit, 4096))
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):min(int64(cap(buf)), limit)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil || int64(len(buf)) >= limit {
			return buf, err
		}
	}
}
