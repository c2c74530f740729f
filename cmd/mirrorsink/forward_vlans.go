package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// openTags reads which tags sessions have. It returns nil for none.
func (o *forwardOptions) openTags(log *slog.Logger) (*tx.VLANs, error) {
	if o.vlan.off {
		return nil, nil
	}
	cfg := tx.VLANConfig{Mode: tx.VLANAuto, File: o.vlanFile, Log: log}
	if !o.vlan.auto() {
		cfg.Mode, cfg.Fixed = tx.VLANFixed, o.vlan.fixed
	}
	return tx.OpenVLANs(cfg)
}

// vlans is how many tags are in use.
func (f *forwarding) vlans() uint64 {
	if f.tags == nil {
		return 0
	}
	return uint64(len(f.tags.Table()))
}

// vlanTable returns all tags, and whose they are as far as the inventory knows.
func (f *forwarding) vlanTable() []vlanEntry {
	table := []vlanEntry{}
	if f.tags == nil {
		return table
	}
	for _, v := range f.tags.Table() {
		e := vlanEntry{VLAN: v.Tag, VNI: v.VNI}
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

// vlanEntry is a tag and whose it is, in the words of events.
type vlanEntry struct {
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
func (e *vlanEntry) own(o *event.Owner) {
	if o != nil {
		e.ENI, e.Instance, e.VPC, e.Subnet, e.Account = o.ENI, o.Instance, o.VPC, o.Subnet, o.Account
	}
}

// vlansHandler serves the table of tags as JSON.
func vlansHandler(table func() []vlanEntry) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		to := json.NewEncoder(w)
		to.SetIndent("", "  ")
		_ = to.Encode(table()) // who asked has gone away
	})
}

// interfaceName returns what capture files call the interface of a mirror session: its name, and a comment on whose it is; empty ones if
// the inventory does not know it.
func (a *attribution) interfaceName(outer netip.Addr, vni uint32) (name, comment string) {
	o := a.Owner(outer, vni)
	if o == nil || o.ENI == "" {
		return "", ""
	}
	e := vlanEntry{VNI: vni, Source: outer.String()}
	e.own(o)
	text, _ := json.Marshal(e) // strings and numbers alone cannot fail
	return o.ENI, strings.Replace(string(text), `"vlan":0,`, "", 1)
}
