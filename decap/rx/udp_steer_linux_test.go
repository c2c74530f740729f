package rx

import (
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// TestUDPSteers sends both directions of each flow from outer ports that have nothing to do with each other, as AWS does
// with the answers of the VPC resolver.
func TestUDPSteers(t *testing.T) {
	const flows, workers = 200, 4
	for name, link := range map[string]decap.Link{"VXLAN": decap.LinkVXLAN, "GENEVE": decap.LinkGENEVE} {
		t.Run(name, func(t *testing.T) {
			socks := listen(t, UDPConfig{Sockets: workers, Link: link})
			senders := make([]*net.UDPConn, 16)
			for i := range senders {
				senders[i] = dial(t, socks[0].Addr())
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			for i := range flows {
				f := numberedFlow(i)
				for _, d := range []steerFrame{f, f.reverse()} {
					payload := d.vxlan(uint32(i))
					if link == decap.LinkGENEVE {
						payload = geneve(8, 0x6558, d.ethernet())
					}
					send(t, senders[rnd.IntN(len(senders))], payload)
				}
			}
			var total uint64
			for end := time.Now().Add(hang); total < 2*flows && time.Now().Before(end); {
				total = 0
				for worker, u := range socks {
					u.poll = 10 * time.Millisecond
					readSteered(t, u, worker, workers)
					total += u.Received()
				}
			}
			assert.EqualValues(t, 2*flows, total)
			for _, u := range socks {
				assert.InDelta(t, 2*flows/workers, u.Received(), 2*flows/workers/2)
			}
		})
	}
}

// numberedFlow returns a packet of flow i: IPv4 or IPv6, with or without a VLAN tag.
func numberedFlow(i int) steerFrame {
	f := steerFrame{src: []byte{10, 0, 0, byte(i)}, dst: []byte{10, 0, 1, 9}, srcPort: uint16(40000 + i), dstPort: 443, proto: decap.TCP}
	if i%2 == 1 {
		f.src = append(make([]byte, 12), f.src...)
		f.dst = append(make([]byte, 12), f.dst...)
	}
	if i%3 == 1 {
		f.tags = []uint16{0x8100}
	}
	return f
}

// readSteered reads what a socket has, which the hash must assign to that very worker. The hash being symmetric, both
// directions then are at the same one.
func readSteered(t *testing.T, u *UDP, worker, workers int) {
	var b decap.Batch
	for {
		require.NoError(t, u.Read(&b))
		if b.N == 0 {
			return
		}
		for _, d := range b.D[:b.N] {
			require.Equal(t, worker, decap.SteerTo(steerHash(d.Data, d.Link), workers))
		}
	}
}
