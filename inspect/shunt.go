package inspect

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// A Shunt is a rule by which the tails of flows are not forwarded. A tail is what a parser knows to be of no use to it; what is not
// known goes on. So do segments with SYN, FIN or RST, and those without payload: by them a reader sees that bytes are missing, and
// where the connection ends.
type Shunt struct {
	What  Tail
	Bytes uint64        // of TailAfter
	If    *where.Filter // of FlowFields; the rule is for the flows of which it is true; nil is for all
}

// Tail is what a rule takes for the tail of a flow.
type Tail uint8

// Tails.
const (
	// TailTLS is, once both hellos were read, what is encrypted of each side, but for the segment in which that begins. Of bare
	// acknowledgments of what is encrypted those go on that tell much that is new. It is not told from what follows a renegotiation, which is encrypted too.
	TailTLS Tail = iota
	// TailQUIC is, after the client's hello was read, all datagrams that begin with a packet whose keys nobody has but the two ends:
	// those with a short header, of versions 1 and 2 those of the handshake and of early data, and of Google's versions up to Q043 those
	// without a version and without the start of a message of the handshake, which is in the clear.
	TailQUIC
	// TailHTTP is all segments that lie within the body of an HTTP/1 message, and hold neither its header nor what follows it.
	TailHTTP
	// TailAfter is what follows after so many bytes of payload of both directions.
	TailAfter
	tails
)

var tailNames = [tails]string{TailTLS: "tls", TailQUIC: "quic", TailHTTP: "http", TailAfter: "after"}

var tailReasons = [tails]event.Withheld{
	TailTLS: event.ShuntTLS, TailQUIC: event.ShuntQUIC, TailHTTP: event.ShuntHTTP, TailAfter: event.ShuntAfter,
}

// MaxShunts is how many rules there may be.
const MaxShunts = 15

// ParseShunt reads a rule: tls, quic, http or "after SIZE", and then, as asked, "if" and an expression.
func ParseShunt(text string) (s Shunt, err error) {
	what, condition, conditional := strings.Cut(text, " if ")
	word, size, sized := strings.Cut(strings.TrimSpace(what), " ")
	for s.What = 0; s.What < tails && tailNames[s.What] != word; s.What++ {
	}
	switch {
	case s.What == tails:
		return s, fmt.Errorf("%q: want tls, quic, http or after SIZE, and then if EXPRESSION as you like", text)
	case sized != (s.What == TailAfter):
		return s, fmt.Errorf("%q: want a size behind after, such as after 64KiB, and nothing behind the others", text)
	case sized:
		if s.Bytes, err = parseSize(strings.TrimSpace(size)); err != nil {
			return s, fmt.Errorf("%q: %w", text, err)
		}
	}
	if !conditional {
		return s, nil
	}
	if s.If, err = FlowFields.Compile(condition); err != nil {
		var e *where.Error
		if errors.As(err, &e) {
			e.Column += utf8.RuneCountInString(text[:len(text)-len(condition)])
		}
		return s, fmt.Errorf("%q: %w", text, err)
	}
	return s, nil
}

// parseSize reads a number of bytes.
func parseSize(text string) (uint64, error) {
	unit := uint64(1)
	for i, name := range []string{"KiB", "MiB", "GiB"} {
		if digits, ok := strings.CutSuffix(text, name); ok {
			text, unit = digits, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, errors.New("want a size such as 64KiB")
	}
	return n * unit, nil
}

// shunts are a worker's rules.
type shunts struct {
	list []Shunt
	has  [tails]bool
}

func newShunts(list []Shunt) (s shunts) {
	for _, rule := range list {
		rule.If = clone(rule.If)
		s.list = append(s.list, rule)
		s.has[rule.What] = true
	}
	return s
}

// shunt finds the first rule that withholds a packet.
func (w *Worker) shunt(r *flow.Record, c *course, s flow.Side, p *decap.Packet) (why event.Withheld, found bool) {
	rules := &w.forward.shunts
	if p.Proto == decap.TCP && rules.has[TailTLS] {
		c.walk(s, p)
	}
	if p.PayloadLen == 0 && rules.has[TailTLS] && c.saysLittle(s, p) {
		return w.shuntBy(c, TailTLS)
	}
	if goesOn(p) {
		return 0, false
	}
	for i := range rules.list {
		if rule := &rules.list[i]; c.holds(1+i) && w.inTail(rule, c.over>>i&1 != 0, r, c, s, p) {
			return tailReasons[rule.What], true
		}
	}
	return 0, false
}

// shuntBy withholds a packet if a rule of a kind is for its flow.
func (w *Worker) shuntBy(c *course, what Tail) (why event.Withheld, found bool) {
	for i := range w.forward.shunts.list {
		if w.forward.shunts.list[i].What == what && c.holds(1+i) {
			return tailReasons[what], true
		}
	}
	return 0, false
}

// goesOn reports whether a packet is forwarded whatever the rules say.
func goesOn(p *decap.Packet) bool {
	return p.PayloadLen == 0 || p.Proto == decap.TCP && (!p.HasTCP || p.TCPFlags&(decap.SYN|decap.FIN|decap.RST) != 0)
}

// inTail reports whether a packet is of the tail of a rule. over is for TailAfter.
func (w *Worker) inTail(rule *Shunt, over bool, r *flow.Record, c *course, s flow.Side, p *decap.Packet) bool {
	switch rule.What {
	case TailTLS:
		return p.Proto == decap.TCP && c.encrypted(r, s, p)
	case TailQUIC:
		return p.Proto == decap.UDP && c.secretQUIC(p.Payload)
	case TailHTTP:
		return p.Proto == decap.TCP && w.inBody(r, c, s, p)
	case TailAfter:
		return over
	default:
		return false
	}
}

// measure notes which rules' sizes a flow has reached, for the packets to come.
func (w *Worker) measure(r *flow.Record, c *course) {
	if rules := &w.forward.shunts; rules.has[TailAfter] {
		sum := r.Payload[0] + r.Payload[1]
		for i := range rules.list {
			if rule := &rules.list[i]; rule.What == TailAfter && sum >= rule.Bytes {
				c.over |= 1 << i
			}
		}
	}
}

// noteMessage takes down where a message that was read ends, and what follows it. data is what its parser saw.
func (w *Worker) noteMessage(r *flow.Record, t *talk, s flow.Side, data []byte) {
	h, c := &t.half[s], w.course(r)
	switch tail := l7.Table[t.proto].Bypass; {
	case tail == l7.BypassBody:
		c.noteBody(s, h.win.Base(), len(data), w.bodySize(c, t, s), w.hint.Next)
	case tail == l7.BypassRecords && w.hint.Next == l7.Stop:
		c.noteHello(s, h.win.Base(), data)
	}
}

// noteEnd takes down that there is nothing left to read in either direction of a connection.
func (w *Worker) noteEnd(r *flow.Record, t *talk) {
	if c := w.course(r); l7.Table[t.proto].Bypass == l7.BypassRecords {
		c.flags |= tlsGreeted
		c.since = uint32(r.Payload[0] + r.Payload[1])
	}
}

// noteSwitch forgets what was known of a connection that goes on in another protocol.
func (w *Worker) noteSwitch(r *flow.Record) { w.course(r).tailMarks = tailMarks{} }

// isPast reports whether a segment begins at a mark or behind it. The mark follows from afar, since sequence numbers wrap.
func isPast(mark *uint32, seq uint32) bool {
	const far = 1 << 30
	ahead := seq - *mark
	if ahead > far && ahead < 2*far {
		*mark = seq - far/2
	}
	return ahead < 2*far
}
