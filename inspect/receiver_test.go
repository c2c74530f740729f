package inspect

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// raw is a TCP segment of a test, with all that an evading sender can set.
type raw struct {
	server   bool // sent by the server
	seq, ack uint32
	flags    uint8
	window   uint16
	ttl      uint8
	scale    int    // the window scale option, if not negative
	stamp    uint32 // the timestamps option, if not 0
	signed   bool   // an MD5 option
	badSum   bool
	badIPSum bool
	noLength bool // a data offset of 16 bytes
	payload  []byte
}

// raws makes frames of the segments of one connection.
type raws struct {
	id     uint32 // in the client's address
	nanos  int64
	frames []decap.Datagram
}

// frame returns the bytes of a segment. It is written by hand, since gopacket takes most of a test's time otherwise.
func (c *raws) frame(g *raw) []byte {
	var opts []byte
	if g.scale >= 0 {
		opts = append(opts, 1, 3, 3, byte(g.scale))
	}
	if g.stamp != 0 {
		opts = binary.BigEndian.AppendUint32(append(opts, 1, 1, 8, 10), g.stamp)
		opts = append(opts, 0, 0, 0, 0)
	}
	if g.signed {
		opts = append(append(opts, 1, 1, 19, 18), make([]byte, 16)...)
	}
	total := 40 + len(opts) + len(g.payload)
	b := make([]byte, 14+total)
	b[12] = 8
	ip, tcp := b[14:34], b[34:]
	ip[0], ip[8], ip[9] = 0x45, g.ttl, 6
	binary.BigEndian.PutUint16(ip[2:], uint16(total))
	client, server := ip[12:16], ip[16:20]
	sport, dport := uint16(40000), uint16(443)
	if g.server {
		client, server, sport, dport = server, client, dport, sport
	}
	binary.BigEndian.PutUint32(client, 10<<24|c.id)
	copy(server, []byte{192, 0, 2, 1})
	binary.BigEndian.PutUint16(ip[10:], ^onesSum(0, ip)+boolInt[uint16](g.badIPSum))
	binary.BigEndian.PutUint16(tcp, sport)
	binary.BigEndian.PutUint16(tcp[2:], dport)
	binary.BigEndian.PutUint32(tcp[4:], g.seq)
	binary.BigEndian.PutUint32(tcp[8:], g.ack)
	tcp[12], tcp[13] = byte(20+len(opts))<<2, g.flags
	if g.noLength {
		tcp[12] = 4 << 4
	}
	binary.BigEndian.PutUint16(tcp[14:], g.window)
	copy(tcp[20:], opts)
	copy(tcp[20+len(opts):], g.payload)
	pseudo := uint32(onesSum(0, ip[12:20])) + 6 + uint32(len(tcp))
	sum := ^onesSum(pseudo, tcp)
	if g.badSum { // but not one that looks like that of an offloading card
		sum += 0x101
		for sum == 0 || sum == onesSum(pseudo, nil) || sum == onesSum(pseudo-uint32(len(tcp)), nil) {
			sum++
		}
	}
	binary.BigEndian.PutUint16(tcp[16:], sum)
	return b
}

func boolInt[T ~uint16 | ~uint32](b bool) T {
	if b {
		return 1
	}
	return 0
}

func onesSum(s uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) > 0 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

func (c *raws) add(g *raw) {
	c.nanos += millisecond
	b := c.frame(g)
	c.frames = append(c.frames, decap.Datagram{Data: b, WireLen: len(b), Nanos: c.nanos})
}

// helloFor returns a ClientHello for a name of twelve bytes. All are equal but for the name and the random bytes.
func helloFor(name string, random byte) []byte {
	const model = "xx-model-xxx"
	b := slices.Clone(helloModel())
	for i := range 32 {
		b[11+i] = random ^ byte(i)
	}
	copy(b[helloName:], name)
	if len(name) != len(model) {
		panic(name)
	}
	return b
}

var helloModel, helloName = func() (func() []byte, int) {
	b := clientHello(&tls.Config{ServerName: "xx-model-xxx", MaxVersion: tls.VersionTLS12})
	at := slices.Index(b, 'x')
	for string(b[at:at+12]) != "xx-model-xxx" {
		at++
	}
	return func() []byte { return b }, at
}()

// receiver is a model of a server's TCP (RFC 9293, RFC 5961, RFC 7323), some hops from where the packets are seen. It keeps the first copy
// of each byte.
type receiver struct {
	distance  uint8
	next      uint32 // RCV.NXT
	base      uint32 // of the first byte
	una, sent uint32 // SND.UNA, SND.NXT
	window    uint32
	stamp     uint32 // TS.Recent; 0 if timestamps are not used
	bytes     []byte
	have      []bool
	closed    bool
	ackWindow uint32 // MAX.SND.WND
}

// take reports whether the receiver takes a segment after the handshake.
func (m *receiver) take(g *raw) bool {
	if m.lost(g) || !m.inWindow(g) {
		return false
	}
	switch {
	case g.flags&decap.RST != 0:
		m.closed = g.seq == m.next
		return m.closed
	case g.flags&decap.SYN != 0, g.flags&decap.ACK == 0:
		return false
	case int32(g.ack-m.sent) > 0 || int32(g.ack-(m.una-min(m.ackWindow, m.una-m.firstSent()))) < 0:
		return false
	}
	if m.stamp != 0 && g.stamp != 0 && int32(g.seq-m.next) <= 0 {
		m.stamp = g.stamp
	}
	m.store(g)
	if g.flags&decap.FIN != 0 && g.seq+uint32(len(g.payload)) == m.next {
		m.closed = true
	}
	return true
}

// lost reports whether a segment does not reach the connection, or is dropped for what its header has (RFC 7323 section 5).
func (m *receiver) lost(g *raw) bool {
	if m.closed || g.ttl < m.distance || g.badSum || g.badIPSum || g.noLength || g.signed {
		return true
	}
	return m.stamp != 0 && g.stamp != 0 && int32(g.stamp-m.stamp) < 0 && g.flags&decap.RST == 0
}

// inWindow reports whether a segment has anything in the window.
func (m *receiver) inWindow(g *raw) bool {
	ahead, n := int32(g.seq-m.next), int32(len(g.payload))
	return ahead < int32(m.window) && ahead+n >= 0 && (ahead >= 0 || ahead+n > 0 || n == 0)
}

// store keeps the bytes of a segment that the receiver does not have.
func (m *receiver) store(g *raw) {
	for i, x := range g.payload {
		if at := int(int32(g.seq + uint32(i) - m.base)); at >= 0 && at < len(m.bytes) && !m.have[at] {
			m.bytes[at], m.have[at] = x, true
		}
	}
	for at := int(m.next - m.base); at < len(m.have) && m.have[at]; at++ {
		m.next++
	}
}

func (m *receiver) firstSent() uint32 { return m.sent }

// name returns the server name that the receiver has read; empty if it has not all of it.
func (m *receiver) name() string {
	if int(m.next-m.base) < len(m.bytes) {
		return ""
	}
	return string(m.bytes[helloName : helloName+12])
}

// evasion changes a segment so that an observer may take it and the receiver does not. certain reports that the segment itself shows that.
type evasion struct {
	name    string
	certain bool
	apply   func(r *rand.Rand, g *raw, m *receiver)
}

var evasions = []evasion{
	{"low ttl", false, func(r *rand.Rand, g *raw, m *receiver) { g.ttl = 1 + uint8(r.IntN(int(m.distance)-1)) }},
	{"wrong checksum", true, func(_ *rand.Rand, g *raw, _ *receiver) { g.badSum = true }},
	{"wrong checksum of IP", true, func(_ *rand.Rand, g *raw, _ *receiver) { g.badIPSum = true }},
	{"no ACK", true, func(_ *rand.Rand, g *raw, _ *receiver) { g.flags = decap.PSH }},
	{"acknowledges nothing sent", true, func(r *rand.Rand, g *raw, _ *receiver) { g.ack += 1<<27 + r.Uint32N(1<<30) }},
	{"acknowledges what was before", true, func(r *rand.Rand, g *raw, _ *receiver) { g.ack -= 66000 + r.Uint32N(1<<30) }},
	{"far ahead", true, func(r *rand.Rand, g *raw, _ *receiver) { g.seq += 1<<26 + r.Uint32N(1<<30) }},
	{"before the connection", true, func(r *rand.Rand, g *raw, _ *receiver) { g.seq -= 10000 + r.Uint32N(1<<30) }},
	{"ahead in the window", false, func(r *rand.Rand, g *raw, _ *receiver) { g.seq += 1000 + r.Uint32N(20000) }},
	{"old timestamp", false, func(r *rand.Rand, g *raw, m *receiver) {
		if m.stamp != 0 {
			g.stamp -= 600000 + r.Uint32N(1<<30)
		} else {
			g.badSum = true
		}
	}},
	{"signed", true, func(_ *rand.Rand, g *raw, _ *receiver) { g.signed = true }},
	{"data offset", true, func(_ *rand.Rand, g *raw, _ *receiver) { g.noLength = true }},
	{"SYN", true, func(_ *rand.Rand, g *raw, _ *receiver) { g.flags |= decap.SYN }},
	{"nothing wrong", false, func(*rand.Rand, *raw, *receiver) {}},
}

// trial is one connection of the differential test: what the client really sends, and the evasions added to it.
type trial struct {
	frames  []decap.Datagram
	server  string // what the receiver read
	certain bool   // every evasion shows by itself
	log     []string
}

// draft is a trial in the making.
type draft struct {
	trial
	raws
	r     *rand.Rand
	m     *receiver
	hello []byte
	scale int
	stamp uint32 // of the client's latest segment; 0 without timestamps
}

// newTrial draws a trial.
func newTrial(id uint32) trial {
	r := rand.New(rand.NewPCG(uint64(id), 7))
	d := &draft{trial: trial{certain: true}, raws: raws{id: id, nanos: 1e18 + int64(id)*100*millisecond}, r: r}
	d.m = &receiver{distance: 6 + uint8(r.IntN(20)), base: r.Uint32(), window: 64240, ackWindow: 64240}
	d.hello = helloFor("real-name-ok", byte(r.Uint32()))
	d.m.bytes, d.m.have, d.m.next = make([]byte, len(d.hello)), make([]bool, len(d.hello)), d.m.base
	d.open()
	sends := d.pieces()
	for fakes := 1 + r.IntN(4); fakes > 0; fakes-- {
		sends = d.insertFake(sends)
	}
	d.send(sends)
	d.trial.frames, d.server = d.raws.frames, d.m.name()
	return d.trial
}

// segment returns the client's next segment.
func (d *draft) segment(flags uint8, seq uint32, payload []byte) *raw {
	if d.stamp != 0 {
		d.stamp++
	}
	return &raw{seq: seq, ack: d.m.sent, flags: flags, window: 64240, ttl: 64, scale: -1, stamp: d.stamp, payload: payload}
}

// answer adds an acknowledgment of the server.
func (d *draft) answer() {
	window := uint16(d.m.window >> max(d.scale, 0))
	d.add(&raw{server: true, seq: d.m.sent, ack: d.m.next, flags: decap.ACK, window: window, ttl: 50, scale: -1})
}

// open adds the handshake.
func (d *draft) open() {
	isn := d.r.Uint32()
	d.scale = d.r.IntN(9) - 1
	if d.r.IntN(2) == 0 {
		d.stamp = 1 + d.r.Uint32N(1<<31)
		d.m.stamp = d.stamp
	}
	d.m.una, d.m.sent = isn+1, isn+1
	syn := d.segment(decap.SYN, d.m.base-1, nil)
	syn.ack, syn.scale = 0, d.scale
	d.add(syn)
	d.add(&raw{server: true, seq: isn, ack: d.m.base, flags: decap.SYN | decap.ACK, window: uint16(d.m.window), ttl: 50, scale: d.scale})
	d.add(d.segment(decap.ACK, d.m.base, nil))
}

// pieces returns the hello in segments, in any order. Timestamps are in the order in which they are sent.
func (d *draft) pieces() (sends []*raw) {
	for off := 0; off < len(d.hello); {
		n := len(d.hello) - off
		if d.r.IntN(3) > 0 {
			n = min(n, 1+d.r.IntN([]int{3, 40, 300}[d.r.IntN(3)]))
		}
		sends = append(sends, d.segment(decap.ACK, d.m.base+uint32(off), d.hello[off:off+n]))
		off += n
	}
	if d.r.IntN(3) == 0 {
		d.r.Shuffle(len(sends), func(i, j int) { sends[i], sends[j] = sends[j], sends[i] })
	}
	if d.stamp != 0 {
		for _, g := range sends {
			d.stamp++
			g.stamp = d.stamp
		}
	}
	return sends
}

// insertFake inserts a segment with another name, with an evasion.
func (d *draft) insertFake(sends []*raw) []*raw {
	r := d.r
	fake := helloFor("fake-name-no", byte(r.Uint32()))
	from, to := 0, len(fake)
	if r.IntN(3) == 0 {
		from = r.IntN(len(fake) - 1)
	}
	if r.IntN(3) == 0 {
		to = from + 1 + r.IntN(len(fake)-from)
	}
	at := r.IntN(len(sends) + 1)
	g := d.segment(decap.ACK|decap.PSH, d.m.base+uint32(from), fake[from:to])
	if g.stamp != 0 {
		g.stamp = sends[min(at, len(sends)-1)].stamp
	}
	switch r.IntN(12) {
	case 0:
		g.flags, g.payload = decap.FIN|decap.ACK, nil
	case 1:
		g.flags, g.payload = decap.RST, nil
	}
	e := evasions[r.IntN(len(evasions))]
	e.apply(r, g, d.m)
	d.certain = d.certain && e.certain
	d.log = append(d.log, fmt.Sprintf("%s flags=%02x [%d,%d) before %d of %d", e.name, g.flags, from, to, at, len(sends)))
	return slices.Insert(sends, at, g)
}

// send adds segments, answers of the receiver, and what is missing then once more.
func (d *draft) send(sends []*raw) {
	for _, g := range sends {
		d.add(g)
		if d.m.take(g) && d.r.IntN(2) == 0 {
			d.answer()
		}
	}
	for d.m.next != d.m.base+uint32(len(d.hello)) && !d.m.closed {
		g := d.segment(decap.ACK, d.m.next, d.hello[d.m.next-d.m.base:])
		d.add(g)
		if !d.m.take(g) {
			break
		}
	}
	if !d.m.closed {
		d.answer()
	}
}

// flowsByClient returns the flow events by the client's number.
func flowsByClient(out *collected) map[uint32][]trialFlow {
	flows := map[uint32][]trialFlow{}
	for _, b := range out.batches {
		for i := range b.Events {
			if e := &b.Events[i]; e.Kind == event.Flow {
				client := e.Src
				if client[12] != 10 {
					client = e.Dst
				}
				id := binary.BigEndian.Uint32(client[12:]) & 0xffffff
				flows[id] = append(flows[id], trialFlow{string(b.Text(e.Name)), e.NameConfidence, e.Conflicts})
			}
		}
	}
	return flows
}

type trialFlow struct {
	name       string
	confidence event.Confidence
	conflicts  event.Conflict
}

// TestNamesAreWhatTheReceiverRead compares names with what a model of the receiver has read. Connections have inserted segments, which the
// receiver takes or drops. A name is the receiver's, or the flow has the conflict overlap. MIRRORSINK_EVASIONS sets how many connections
// are tried.
func TestNamesAreWhatTheReceiverRead(t *testing.T) {
	trials := 4000
	if n, err := strconv.Atoi(os.Getenv("MIRRORSINK_EVASIONS")); err == nil {
		trials = n
	}
	const together = 500
	var named, missed int
	for from := 0; from < trials; from += together {
		var in []decap.Datagram
		tried := make([]trial, together)
		for i := range tried {
			tried[i] = newTrial(uint32(from + i))
			in = append(in, tried[i].frames...)
		}
		out, _ := inspect(t, Config{}, in)
		flows := flowsByClient(out)
		for i := range tried {
			n, m := checkTrial(t, &tried[i], uint32(from+i), flows[uint32(from+i)])
			named += n
			missed += m
		}
	}
	t.Logf("%d connections, %d named by the receiver, %d of these without a name", trials, named, missed)
	require.Less(t, missed*50, named, "an evasion may hide a name, but seldom")
}

// checkTrial compares a connection's flows with what its receiver read.
func checkTrial(t *testing.T, tried *trial, id uint32, flows []trialFlow) (named, missed int) {
	found := false
	for _, f := range flows {
		found = found || f.name != "" && f.name == tried.server
		if f.name != "" && f.name != tried.server && tried.server != "" {
			require.NotZero(t, f.conflicts&event.Overlap, "connection %d has the name %q, its receiver read %q: %q", id, f.name, tried.server, tried.log)
			require.NotEqual(t, event.High, f.confidence)
		}
		if tried.certain {
			require.Zero(t, f.conflicts, "connection %d: all evasions show by themselves: %q", id, tried.log)
			require.True(t, f.name == "" || f.name == "real-name-ok", "connection %d has the name %q: %q", id, f.name, tried.log)
		}
	}
	if tried.server == "" {
		return 0, 0
	}
	if !found && !slices.ContainsFunc(flows, func(f trialFlow) bool { return f.conflicts != 0 }) {
		require.False(t, tried.certain, "connection %d has no name, its receiver read %q: %q %v", id, tried.server, tried.log, flows)
		missed = 1
	}
	return 1, missed
}
