package sessions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// maxInventory limits the size of the file: about a kilobyte for each of the 65,535 sessions that a sink supports.
const maxInventory = 64 << 20

// Write writes the inventory as JSON with one entry a line. Equal inventories give equal bytes.
func (inv *Inventory) Write(w io.Writer) error {
	head := *inv
	head.Entries = nil
	var text bytes.Buffer
	if err := writeJSON(&text, head); err != nil {
		return err
	}
	text.Truncate(text.Len() - len("null}\n")) // head's entries
	text.WriteByte('[')
	for i := range inv.Entries {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteByte('\n')
		if err := writeJSON(&text, &inv.Entries[i]); err != nil {
			return err
		}
		text.Truncate(text.Len() - len("\n"))
	}
	text.WriteString("\n]}\n")
	_, err := text.WriteTo(w)
	return err
}

// writeJSON writes a value in one line, without the escapes that only web pages need.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// ReadInventory reads the output of Write. It returns an error of one line, with the position, for text that is not JSON or is longer than
// 64 MiB, unknown keys, another format, impossible addresses and numbers, and sessions with the same source and VNI.
func ReadInventory(r io.Reader) (*Inventory, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxInventory+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxInventory:
		return nil, fmt.Errorf("longer than %d MiB: this is no inventory", maxInventory>>20)
	}
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, inLine(text, err)
	}
	switch {
	case head.Format == nil:
		return nil, errors.New("no format: this is no inventory")
	case *head.Format != InventoryFormat:
		return nil, fmt.Errorf("format %d: this version reads %d", *head.Format, InventoryFormat)
	}
	return readEntries(text)
}

// readEntries reads a file with the right format.
func readEntries(text []byte) (*Inventory, error) {
	var outline struct {
		Inventory
		Entries []json.RawMessage `json:"sessions"` // separate, so that an error can name the entry
	}
	if err := strict(text, &outline); err != nil {
		return nil, inLine(text, err)
	}
	inv := &outline.Inventory
	inv.Made = inv.Made.UTC()
	inv.Entries = make([]Entry, len(outline.Entries))
	seen := make(map[entryKey]int, len(inv.Entries))
	for i, entry := range outline.Entries {
		e := &inv.Entries[i]
		err := strict(entry, e)
		if err == nil {
			err = e.check()
		}
		if first, twice := seen[e.key()]; err == nil && twice {
			err = fmt.Errorf("outer %v with VNI %d is that of sessions[%d] too, and packets have nothing else to distinguish them", e.Outer, e.VNI, first)
		}
		if err != nil {
			return nil, fmt.Errorf("sessions[%d]%s: %w", i, e.named(), plain(err))
		}
		seen[e.key()] = i
	}
	return inv, nil
}

// named returns an entry's session for messages.
func (e *Entry) named() string {
	if e.Session == "" {
		return ""
	}
	return " " + strconv.Quote(e.Session)
}

// check returns an error if a field is missing or impossible. It normalizes addresses for comparison.
func (e *Entry) check() error {
	switch {
	case !e.Outer.IsValid():
		return errors.New("no outer: want the interface's primary address")
	case e.Outer.Zone() != "":
		return fmt.Errorf("outer %v: an interface's address has no zone", e.Outer)
	case e.VNI > account.MaxVNI:
		return fmt.Errorf("vni %d: want 0 to %d", e.VNI, account.MaxVNI)
	case e.Session == "" || e.Interface == "":
		return errors.New("want the IDs of session and interface")
	}
	if mac, err := net.ParseMAC(e.MAC); e.MAC != "" && (err != nil || len(mac) != 6) {
		return fmt.Errorf("mac %q: want six bytes such as 02:00:00:00:00:01", e.MAC)
	}
	e.Outer = e.Outer.Unmap()
	for i, a := range e.Addresses {
		if !a.IsValid() || a.Zone() != "" {
			return fmt.Errorf("addresses[%d] %q: want an address without zone", i, a)
		}
		e.Addresses[i] = a.Unmap()
	}
	return nil
}

// strict decodes all of text and refuses unknown keys.
func strict(text []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// inLine adds the line of the error, if it is known.
func inLine(text []byte, err error) error {
	offset := int64(-1)
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &typ):
		offset = typ.Offset
	}
	if offset < 0 {
		return plain(err)
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:min(offset, int64(len(text)))], []byte("\n")), plain(err))
}

// plain replaces the wording of the JSON package, which mentions Go types.
func plain(err error) error {
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typ) && typ.Field == "":
		return fmt.Errorf("want an object, found %s", typ.Value)
	case typ != nil:
		return fmt.Errorf("%q: found %s", typ.Field, typ.Value)
	}
	if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("unknown key %s", key)
	}
	if address, ok := strings.CutPrefix(err.Error(), "ParseAddr("); ok {
		address, _, _ = strings.Cut(address, ")")
		return fmt.Errorf("%s: want an address such as 10.0.1.10", address)
	}
	var date *time.ParseError
	if errors.As(err, &date) {
		return fmt.Errorf("%q: want a time such as 2026-11-21T12:00:00Z", strings.Trim(date.Value, `"`))
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return errors.New("not JSON, or incomplete: want a file of \"sessions inventory -o json\"")
	}
	return err
}
