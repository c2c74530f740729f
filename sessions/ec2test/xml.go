package ec2test

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// xmlWriter writes elements one after the other, so that a page of a thousand interfaces is never in memory as a whole.
type xmlWriter struct{ *bufio.Writer }

func newXMLWriter(w io.Writer) xmlWriter {
	out := xmlWriter{bufio.NewWriterSize(w, 16<<10)}
	out.raw(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	return out
}

func (w xmlWriter) raw(s string) { _, _ = w.WriteString(s) } // Flush returns the error

// in writes an element with child elements.
func (w xmlWriter) in(name string, inner func()) {
	w.raw("<" + name + ">")
	inner()
	w.raw("</" + name + ">")
}

// text writes an element, or nothing if the value is empty.
func (w xmlWriter) text(name, value string) {
	if value != "" {
		w.value(name, value)
	}
}

// value writes an element, empty or not.
func (w xmlWriter) value(name, value string) {
	w.raw("<" + name + ">")
	if strings.IndexFunc(value, special) < 0 {
		w.raw(value)
	} else {
		_ = xml.EscapeText(w, []byte(value)) // as in raw
	}
	w.raw("</" + name + ">")
}

// special reports whether a character may need an escape.
func special(r rune) bool {
	return r < ' ' || r > '~' || r == '&' || r == '<' || r == '>' || r == '"' || r == '\''
}

func (w xmlWriter) number(name string, n int) {
	w.raw("<" + name + ">")
	_, _ = w.Write(strconv.AppendInt(w.AvailableBuffer(), int64(n), 10)) // as in raw
	w.raw("</" + name + ">")
}

func (w xmlWriter) flag(name string, b bool) { w.value(name, strconv.FormatBool(b)) }

// writeSet writes a list of the EC2 API.
func writeSet[T any](w xmlWriter, name string, list []T, item func(T)) {
	w.in(name, func() {
		for _, v := range list {
			w.in("item", func() { item(v) })
		}
	})
}

// strings writes a list of plain values.
func (w xmlWriter) strings(name string, list []string) {
	w.in(name, func() {
		for _, v := range list {
			w.value("item", v)
		}
	})
}

// tags writes tags by their keys.
func (w xmlWriter) tags(tags map[string]string) {
	keys := slices.SortedFunc(maps.Keys(tags), cmp.Compare[string])
	writeSet(w, "tagSet", keys, func(key string) {
		w.value("key", key)
		w.value("value", tags[key])
	})
}
