// Package reader starts the programs that make bench-live compares: mirrorsink, and readers that only count.
package reader

import (
	"slices"

	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/count"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/metrics"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/wire"
)

// A Reader is a program that receives.
type Reader struct {
	Name string
	argv []string
	env  []string // in addition to this process's
}

// Set is all readers that are measured.
type Set struct {
	CountSocket, CountRing, CountRingAndDrop Reader
	Socket, Ring, RingAndDrop                Reader // mirrorsink with its defaults
	RingAndIface, RingAndTap                 Reader // mirrorsink that forwards too
}

// All returns the readers on a wire. binary is mirrorsink.
func All(w *wire.Wire, binary string) Set {
	counting := func(name, method string) Reader {
		return Reader{Name: name + ", counting", argv: []string{"/proc/self/exe", "-count", method, "-device", w.Receiver}}
	}
	ours := func(name string, flags ...string) Reader {
		return Reader{Name: name, argv: append([]string{binary, "listen", "--workers", "1", "--eve", "/dev/null", "--metrics", metrics.Addr}, flags...)}
	}
	return Set{
		counting("recvmmsg", count.Recvmmsg), counting("ring", count.Ring), counting("ring with tc drop", count.RingAndDrop),
		ours("udp"), ours("ring", "--source", "ring:"+w.Receiver), ours("ring with tc drop", "--source", "ring:"+w.Receiver, "--tc-drop"),
		ours("ring, forwarding to an interface", "--source", "ring:"+w.Receiver, "--forward", "iface:"+w.Onward),
		ours("ring, forwarding to a tap", "--source", "ring:"+w.Receiver, "--forward", "tap:"+w.Onward+"t"),
	}
}

// Traced returns the reader with gctrace.
func (r Reader) Traced() Reader {
	r.env = append(slices.Clone(r.env), "GODEBUG=gctrace=1")
	return r
}
