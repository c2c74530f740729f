package tx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// kept is an Out that keeps what was sent. It notes when a frame is not at Flush what it was when it was added.
type kept struct {
	waiting []*tx.Frame
	copies  []tx.Frame
	changed bool
	sent    []tx.Frame
	closed  error
}

func (k *kept) Add(f *tx.Frame) {
	c := *f
	c.Head, c.Tail = bytes.Clone(f.Head), bytes.Clone(f.Tail)
	k.waiting, k.copies = append(k.waiting, f), append(k.copies, c)
}

func (k *kept) Flush() {
	for i, f := range k.waiting {
		c := &k.copies[i]
		k.changed = k.changed || !bytes.Equal(f.Head, c.Head) || !bytes.Equal(f.Tail, c.Tail) || f.Packet != c.Packet
	}
	k.sent = append(k.sent, k.copies...)
	k.waiting, k.copies = nil, nil
}

func (k *kept) Close() error { return k.closed }

// mirroredTCP makes a mirrored TCP packet, the last bytes of which the mirror has cut off.
func mirroredTCP(t require.TestingT, seq uint32, length, cut int, sum bool) decap.Datagram {
	ip := &layers.IPv4{Version: 4, TTL: 9, Protocol: layers.IPProtocolTCP, SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2}}
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: seq, ACK: true}
	require.NoError(t, tcp.SetNetworkLayerForChecksum(ip))
	ether := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	buf := gopacket.NewSerializeBuffer()
	require.NoError(t, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.VXLAN{ValidIDFlag: true, VNI: 7}, ether, ip, tcp, gopacket.Payload(make([]byte, length))))
	b := slices.Clone(buf.Bytes())[:8+14+20+20+length]
	if !sum {
		b[8+14+20+16] ^= 0xff
	}
	b = b[:len(b)-cut]
	return decap.Datagram{Data: b, WireLen: len(b), Nanos: int64(seq), Link: decap.LinkVXLAN, Outer: netip.MustParseAddrPort("10.9.8.7:65409")}
}

// workerFrame parses a datagram as a worker does.
func workerFrame(t require.TestingT, d *decap.Datagram, vlan uint16) decap.Frame {
	p := new(decap.Packet)
	require.Equal(t, decap.OK, new(decap.Decoder).Parse(p, d))
	p.VerifyChecksums()
	return decap.Frame{Packet: p, Nanos: d.Nanos, WireLen: len(p.Frame), Hash: 5, VLAN: vlan}
}

// TestForwarder: every Out gets all frames in order, fixed, and all are counted.
func TestForwarder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := tx.ForwarderConfig{DropTruncated: rapid.Bool().Draw(t, "drop cut"), FixChecksums: rapid.Bool().Draw(t, "fix")}
		outs := []*kept{{}, {}}
		fw := tx.NewForwarder([]tx.Out{outs[0], outs[1]}, cfg)
		var want []uint32
		var expected tx.ForwarderCounts
		for seq := range uint32(rapid.IntRange(0, 300).Draw(t, "frames")) {
			length := rapid.IntRange(0, 20).Draw(t, "length")
			cut, sum := rapid.SampledFrom([]int{0, 0, 1, length, length + 1}).Draw(t, "cut"), rapid.Bool().Draw(t, "sum")
			d := mirroredTCP(t, seq, length, cut, sum)
			f := workerFrame(t, &d, uint16(seq%3))
			expected.Taken++
			switch {
			case cut > 0 && cfg.DropTruncated, cut > length:
				expected.Truncated++
			default:
				want = append(want, seq)
				expected.Passed++
				if cut > 0 {
					expected.Lengths++
				} else if !sum && cfg.FixChecksums {
					expected.Checksums++
				}
			}
			fw.Forward(f)
			if rapid.IntRange(0, 99).Draw(t, "flush") == 0 {
				fw.Flush()
			}
		}
		require.NoError(t, fw.Close())
		require.Equal(t, expected, fw.Counts())
		for _, o := range outs {
			require.False(t, o.changed, "a frame changed before Flush")
			require.Len(t, o.sent, len(want))
			for i := range o.sent {
				requireSent(t, &o.sent[i], want[i], cfg)
			}
		}
	})
}

// requireSent checks a frame as it left.
func requireSent(t require.TestingT, f *tx.Frame, seq uint32, cfg tx.ForwarderConfig) {
	var p decap.Packet
	d := decap.Datagram{Data: slices.Concat(f.Head, f.Tail), WireLen: f.Len(), Link: decap.LinkEthernet}
	require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d))
	require.Equal(t, seq, p.Seq)
	require.Equal(t, int64(seq), f.Nanos)
	require.False(t, p.Truncated)
	require.False(t, cfg.FixChecksums && p.VerifyChecksums())
	require.Equal(t, uint16(seq%3), f.VLAN)
	require.Equal(t, f.VLAN, p.VLANs[0])
	require.Equal(t, f.Packet.IPLen+14+4*int(p.NumVLANs), f.WireLen, "as long as before the mirror truncated it, with its tag")
	require.Equal(t, []any{"10.9.8.7", uint32(7), uint32(5)}, []any{f.Outer.String(), f.VNI, f.Hash})
	if f.VLAN == 0 && !f.Packet.AnyTruncated() && !f.Packet.BadChecksum {
		require.Empty(t, f.Head)
	}
}

// TestForwarderLongHeads: frames whose heads are as long as can be do not run into one another.
func TestForwarderLongHeads(t *testing.T) {
	const extension = 400 // bytes of options before TCP
	b := make([]byte, 14+40+extension+20)
	b[12], b[13], b[14] = 0x86, 0xdd, 0x60
	binary.BigEndian.PutUint16(b[18:], extension+20)
	b[20], b[54], b[55] = 60, decap.TCP, extension/8-1
	b[54+extension+12] = 0x50
	var out kept
	fw := tx.NewForwarder([]tx.Out{&out}, tx.ForwarderConfig{FixChecksums: true})
	for seq := range uint32(200) {
		c := bytes.Clone(b)
		binary.BigEndian.PutUint32(c[54+extension+4:], seq)
		d := decap.Datagram{Data: c, WireLen: len(c), Link: decap.LinkEthernet}
		f := workerFrame(t, &d, 9)
		require.True(t, f.Packet.BadChecksum)
		fw.Forward(f)
	}
	require.NoError(t, fw.Close())
	require.False(t, out.changed)
	require.Len(t, out.sent, 200)
	require.EqualValues(t, 200, fw.Counts().Checksums)
}

func TestForwarderCloseReturnsAllErrors(t *testing.T) {
	fw := tx.NewForwarder([]tx.Out{&kept{closed: errors.New("one")}, &kept{}, &kept{closed: errors.New("two")}}, tx.ForwarderConfig{})
	require.EqualError(t, fw.Close(), "one\ntwo")
}

// nowhere is an Out that does nothing.
type nowhere struct{}

func (nowhere) Add(*tx.Frame) {}
func (nowhere) Flush()        {}
func (nowhere) Close() error  { return nil }

// forward gives a batch of frames of all kinds to a Forwarder.
func forward(t testing.TB) (batch func()) {
	var frames []decap.Frame
	for i := range decap.BatchSize {
		d := mirroredTCP(t, uint32(i), 700, i%4, i%3 == 0)
		frames = append(frames, workerFrame(t, &d, uint16(i%2*7)))
	}
	fw := tx.NewForwarder([]tx.Out{nowhere{}, nowhere{}}, tx.ForwarderConfig{FixChecksums: true})
	return func() {
		for i := range frames {
			fw.Forward(frames[i])
		}
		fw.Flush()
	}
}

func TestForwarderAllocs(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(100, forward(t)))
}

func BenchmarkForwarder(b *testing.B) {
	batch := forward(b)
	b.ReportAllocs()
	for b.Loop() {
		batch()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/decap.BatchSize, "ns/frame")
}

// TestForwarderCountsAgree reads the counts while frames are forwarded.
func TestForwarderCountsAgree(t *testing.T) {
	fw := tx.NewForwarder(nil, tx.ForwarderConfig{})
	var readers sync.WaitGroup
	stop := make(chan struct{})
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				c := fw.Counts()
				assert.Equal(t, c.Taken, c.Passed+c.Truncated, fmt.Sprint(c))
			}
		}
	})
	whole, cut := mirroredTCP(t, 1, 10, 0, true), mirroredTCP(t, 1, 10, 11, true)
	for range 1000 {
		for _, d := range []*decap.Datagram{&whole, &cut} {
			f := workerFrame(t, d, 1)
			fw.Forward(f)
		}
		fw.Flush()
	}
	close(stop)
	readers.Wait()
	require.Equal(t, tx.ForwarderCounts{Taken: 2000, Passed: 1000, Truncated: 1000}, fw.Counts())
}
