package forwarding

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/inventory"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// openTags reads which tags sessions have. It returns nil for none.
func (o *Options) openTags(log *slog.Logger) (*tx.VLANs, error) {
	if o.VLAN.off {
		return nil, nil
	}
	cfg := tx.VLANConfig{Mode: tx.VLANAuto, File: o.VLANFile, Log: log}
	if !o.VLAN.Auto() {
		cfg.Mode, cfg.Fixed = tx.VLANFixed, o.VLAN.fixed
	}
	return tx.OpenVLANs(cfg)
}

// VLANs is how many tags are in use.
func (f *Targets) VLANs() uint64 {
	if f.tags == nil {
		return 0
	}
	return uint64(len(f.tags.Table()))
}

// VLANTable returns all tags, with their owners as far as the inventory has them.
func (f *Targets) VLANTable() []VLANEntry {
	table := []VLANEntry{}
	if f.tags == nil {
		return table
	}
	for _, v := range f.tags.Table() {
		e := VLANEntry{VLAN: v.Tag, VNI: v.VNI}
		if v.Outer.IsValid() {
			e.Source = v.Outer.String()
			if f.inventory != nil {
				e.own(f.inventory.Owner(v.Outer, v.VNI))
			}
		}
		table = append(table, e)
	}
	return table
}

// VLANEntry is a tag and the owner of its mirror session, with the keys of events.
type VLANEntry struct {
	VLAN     uint16 `json:"vlan"`
	VNI      uint32 `json:"vni"`
	Source   string `json:"source,omitempty"` // the mirrored interface's primary address
	ENI      string `json:"eni,omitempty"`
	Instance string `json:"instance,omitempty"`
	VPC      string `json:"vpc,omitempty"`
	Subnet   string `json:"subnet,omitempty"`
	Account  string `json:"account,omitempty"`
}

// own adds what the inventory knows; nil is nothing.
func (e *VLANEntry) own(o *event.Owner) {
	if o != nil {
		e.ENI, e.Instance, e.VPC, e.Subnet, e.Account = o.ENI, o.Instance, o.VPC, o.Subnet, o.Account
	}
}

// VLANsHandler serves the table of tags as JSON.
func VLANsHandler(table func() []VLANEntry) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		to := json.NewEncoder(w)
		to.SetIndent("", "  ")
		_ = to.Encode(table()) // an error means that the client has disconnected
	})
}

// interfaceNames returns a function that names the interface of a mirror session in capture files: its ID, and a comment with its owner.
// Both are empty if the inventory does not have the session.
func interfaceNames(inventory *inventory.Inventory) func(outer netip.Addr, vni uint32) (name, comment string) {
	return func(outer netip.Addr, vni uint32) (name, comment string) {
		o := inventory.Owner(outer, vni)
		if o == nil || o.ENI == "" {
			return "", ""
		}
		e := VLANEntry{VNI: vni, Source: outer.String()}
		e.own(o)
		text, _ := json.Marshal(e) // strings and numbers alone cannot fail
		return o.ENI, strings.Replace(string(text), `"vlan":0,`, "", 1)
	}
}
