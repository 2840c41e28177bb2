package webui

import (
	"crypto/hmac"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"time"

	"dispatchapy"
)

// Bounds of a form with a file that is too large for memory.
const (
	uploadWithin    = 15 * time.Minute
	uploadFields    = 20
	uploadFieldSize = 16 << 10
)

// upload reads a form whose last field is a large file: the fields before it,
// among them the token of the session, and then the file, which is still to be
// read. The route must say that it reads the body itself.
func (c *call) upload(field string) (url.Values, *multipart.Part, error) {
	c.extend()
	reader, err := c.r.MultipartReader()
	if err != nil {
		return nil, nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the form could not be read")
	}
	values := url.Values{}
	for range uploadFields {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the form could not be read")
		}
		if part.FormName() == field {
			if !hmac.Equal([]byte(values.Get("csrf")), []byte(c.csrf())) {
				return nil, nil, errForeignForm
			}
			return values, part, nil
		}
		text, err := io.ReadAll(io.LimitReader(part, uploadFieldSize))
		if err != nil {
			return nil, nil, dispatchapy.Errorf(dispatchapy.CodeInvalid, "the form could not be read")
		}
		values.Add(part.FormName(), string(text))
	}
	return nil, nil, errForeignForm
}

// extend gives a request more time than others have: a large file takes it.
func (c *call) extend() {
	until, control := time.Now().Add(uploadWithin), http.NewResponseController(c.w)
	_ = control.SetReadDeadline(until) // if that is not possible the usual time has to do
	_ = control.SetWriteDeadline(until)
}
