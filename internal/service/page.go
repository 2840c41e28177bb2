package service

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Sizes of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// PageRequest asks for a page of a list.
type PageRequest struct {
	Cursor string // Page.Next of the page before; "" for the first
	Limit  int    // 1 to MaxLimit; 0 is DefaultLimit
	Text   string // only objects whose name contains it, ignoring case; for lists by name
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	Next  string // Cursor of the next page; "" at the end
}

func (r PageRequest) limit() (int, error) {
	if r.Limit == 0 {
		return DefaultLimit, nil
	}
	if r.Limit < 1 || r.Limit > MaxLimit {
		return 0, invalid("limit", fmt.Sprintf("must be from 1 to %d", MaxLimit))
	}
	return r.Limit, nil
}

var errCursor = invalid("cursor", `is not a cursor: use the value of "next" of the page before, unchanged`)

// before reads a cursor into a list that is ordered by descending id.
func (r PageRequest) before() (int64, error) {
	if r.Cursor == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(r.Cursor, 10, 64)
	if err != nil || id < 1 {
		return 0, errCursor
	}
	return id, nil
}

func beforeCursor(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// byID asks fetch for one item more than the page holds, to know whether there
// is a next page. fetch gives items newest first, with ids below before.
func byID[T any](r PageRequest, id func(T) int64, fetch func(before int64, limit int) ([]T, error)) (Page[T], error) {
	limit, err := r.limit()
	if err != nil {
		return Page[T]{}, err
	}
	before, err := r.before()
	if err != nil {
		return Page[T]{}, err
	}
	items, err := fetch(before, limit+1)
	if err != nil {
		return Page[T]{}, storeError(err)
	}
	page := Page[T]{Items: items}
	if len(items) > limit {
		page.Items = items[:limit]
		page.Next = beforeCursor(id(items[limit-1]))
	}
	return page, nil
}

// PageByName cuts a page out of a list that is sorted by a unique name and that
// the caller was allowed to read.
func PageByName[T any](r PageRequest, items []T, name func(T) string) (Page[T], error) {
	return byName(r, items, name)
}

// byName cuts a page out of a list that is sorted by a unique name, after it
// has filtered it by name.
func byName[T any](r PageRequest, items []T, name func(T) string) (Page[T], error) {
	limit, err := r.limit()
	if err != nil {
		return Page[T]{}, err
	}
	after, err := base64.RawURLEncoding.DecodeString(r.Cursor)
	if err != nil {
		return Page[T]{}, errCursor
	}
	if len(r.Text) > maxFilterText {
		return Page[T]{}, invalid("q", fmt.Sprintf("must have at most %d bytes", maxFilterText))
	}
	text := strings.ToLower(r.Text)
	var page Page[T]
	for _, item := range items {
		if r.Cursor != "" && name(item) <= string(after) || !strings.Contains(strings.ToLower(name(item)), text) {
			continue
		}
		if page.Items = append(page.Items, item); len(page.Items) > limit {
			break
		}
	}
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(name(page.Items[limit-1])))
	}
	return page, nil
}
