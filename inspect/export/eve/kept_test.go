package eve

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// TestKeptTextIsOfTheEvent changes each field of an event, one after the other. After the event, the changed one is printed as by a
// Writer that has kept nothing: what is kept is told apart by all that it is made of.
func TestKeptTextIsOfTheEvent(t *testing.T) {
	for name, base := range map[string]event.Event{
		"TCP":    {IPProto: 6, IPVersion: 4, SrcPort: 40000, DstPort: 443, NumVLANs: 1},
		"UDP":    {IPProto: 17, IPVersion: 6, SrcPort: 5353, DstPort: 5353, Mirrored: true, VNI: 7, Owner: &event.Owner{ENI: "eni-1"}},
		"ICMP":   {IPProto: 1, IPVersion: 4, Initiator: event.ByICMPType - 1},
		"ICMPv6": {IPProto: 58, IPVersion: 6, ICMPType: 129, Initiator: event.ByICMPType, Mirrored: true},
	} {
		base.Proto, base.FlowID = l7.DNS, 4711
		base.Src, base.Dst = netip.MustParseAddr("2001:db8::1").As16(), netip.MustParseAddr("::ffff:10.0.0.2").As16()
		for _, kind := range []event.Kind{event.AppLayer, event.Flow} {
			changed := base
			changed.Kind = kind
			changes := 0
			eachField(reflect.ValueOf(&changed).Elem(), func() {
				changes++
				var w Writer
				printed(&w, base)
				assert.Equal(t, printed(new(Writer), changed), printed(&w, changed), "%s: %+v", name, changed)
				assert.Equal(t, printed(new(Writer), base), printed(&w, base), "%s: after %+v", name, changed)
			})
			assert.Greater(t, changes, 80)
		}
	}
}

// eachField changes each field below v, calls f, and takes the change back. It leaves out what refers to a batch or to counters.
func eachField(v reflect.Value, f func()) {
	before := reflect.New(v.Type()).Elem()
	before.Set(v)
	switch v.Interface().(type) {
	case event.Span, event.Kind, *event.Totals:
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.MustParseAddr("10.9.8.7")))
	case *event.Owner:
		v.Set(reflect.ValueOf(&event.Owner{VPC: "vpc-2"}))
	case *event.Verdict:
		v.Set(reflect.ValueOf(&event.Verdict{Kind: "denied"}))
	default:
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				eachField(v.Field(i), f)
			}
			return
		case reflect.Array:
			for i := range v.Len() {
				eachField(v.Index(i), f)
			}
			return
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int64:
			v.SetInt(v.Int() + 1e9)
		case reflect.Uint64:
			v.SetUint(v.Uint() + keptFlows) // a flow with the same place in the table
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
		default:
			v.SetUint(v.Uint() + 1)
		}
	}
	f()
	v.Set(before)
}

// TestFlowsThatShareAPlace: whatever flows and sessions follow each other, those with the same place in the tables too, each line is
// that of a Writer that has kept nothing.
func TestFlowsThatShareAPlace(t *testing.T) {
	owners := []*event.Owner{nil, {ENI: "eni-1"}, {ENI: "eni-2"}, {Instance: string(make([]byte, 1000))}}
	outers := []netip.Addr{{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:1::1")}
	small := rapid.Uint8Range(0, 1)
	rapid.Check(t, func(t *rapid.T) {
		var w Writer
		for range rapid.IntRange(2, 12).Draw(t, "events") {
			e := event.Event{
				Kind: rapid.SampledFrom([]event.Kind{event.AppLayer, event.Flow}).Draw(t, "kind"), Proto: l7.DNS,
				Nanos: int64(small.Draw(t, "second"))*1e9 + int64(small.Draw(t, "micros"))*1000, FlowID: keptFlows * uint64(small.Draw(t, "id")),
				IPProto: rapid.SampledFrom([]uint8{1, 6, 58, 253}).Draw(t, "proto"), IPVersion: 4 + 2*small.Draw(t, "version"),
				ICMPType: small.Draw(t, "type"), ICMPCode: small.Draw(t, "code"), SrcPort: uint16(small.Draw(t, "src")), DstPort: uint16(small.Draw(t, "dst")),
				NumVLANs: small.Draw(t, "vlans"), Initiator: event.ByRequest + event.Initiator(small.Draw(t, "initiator")),
				Mirrored: rapid.Bool().Draw(t, "mirrored"), Outer: rapid.SampledFrom(outers).Draw(t, "outer"), VNI: uint32(small.Draw(t, "vni")),
				Owner: rapid.SampledFrom(owners).Draw(t, "owner"), Direction: event.Direction(small.Draw(t, "direction")), Tag: uint16(small.Draw(t, "tag")),
			}
			e.Src[15], e.Dst[15], e.VLANs[0] = small.Draw(t, "address"), small.Draw(t, "address"), uint16(small.Draw(t, "vlan"))
			require.Equal(t, printed(new(Writer), e), printed(&w, e))
		}
	})
}

// TestSessionsShareAPlace: sessions with the same place in the table never have each other's text.
func TestSessionsShareAPlace(t *testing.T) {
	var w Writer
	for vni := range uint32(2 * keptSessions) {
		for range 2 {
			e := event.Event{Mirrored: true, VNI: vni}
			require.Equal(t, printed(new(Writer), e), printed(&w, e))
		}
	}
}

// TestVerdictsShareAPlace: more verdicts than there are places, and long ones, never have each other's text.
func TestVerdictsShareAPlace(t *testing.T) {
	var w Writer
	for i := range 2 * keptVerdicts {
		v := &event.Verdict{Kind: "allowed", Rule: "rule-" + strconv.Itoa(i/2), Workload: strings.Repeat("w", i%400), By: "sni"}
		other := &event.Verdict{Kind: "not-allowed", Workload: v.Workload, Reason: "no-rule", By: []string{"dns", "sni"}[i%2], To: "a.test"}
		for _, v := range []*event.Verdict{v, other, v} {
			e := event.Event{Kind: event.Flow, Policy: v}
			var parsed struct {
				Hint struct {
					Policy struct{ Verdict, Rule, Workload, Reason, By string }
				}
			}
			require.NoError(t, json.Unmarshal([]byte(printed(&w, e)), &parsed))
			p := parsed.Hint.Policy
			require.Equal(t, *v, event.Verdict{Kind: p.Verdict, Rule: p.Rule, Workload: p.Workload, Reason: p.Reason, By: p.By, To: v.To})
		}
	}
}

// TestLongestHead: the longest texts of all members fit.
func TestLongestHead(t *testing.T) {
	for proto := range 256 {
		e := event.Event{
			FlowID: 1<<64 - 1, SrcPort: 1<<16 - 1, DstPort: 1<<16 - 1, IPProto: uint8(proto), IPVersion: 6, ICMPType: 255, ICMPCode: 255,
			NumVLANs: uint8(len(event.Event{}.VLANs)),
		}
		for i := range e.VLANs {
			e.VLANs[i] = 1<<16 - 1
		}
		for i := range e.Src {
			e.Src[i], e.Dst[i] = 0xff, 0xff
		}
		var w Writer
		assert.Equal(t, printed(&w, e), printed(&w, e))
		h := w.kept.head(&e)
		assert.LessOrEqual(t, int(h.len), len(longestHead), proto)
		assert.True(t, json.Valid([]byte("{"+string(h.text[:h.len-1])+"}")), "%s", h.text[:])
	}
}

// TestClock compares the clock with package time, for any times one after the other.
func TestClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newKept().clock
		nanos := rapid.Int64().Draw(t, "nanos")
		for range 8 {
			want := time.Unix(0, nanos).UTC().Format(`"2006-01-02T15:04:05.000000-0700",`)
			require.Equal(t, want, string(c.print(nanos)[:]))
			nanos += rapid.OneOf(rapid.Int64Range(-2e9, 2e9), rapid.Int64Range(-2e14, 2e14), rapid.Int64()).Draw(t, "step")
		}
	})
}

// TestMembersOfWords: each word of an enumeration has its text.
func TestMembersOfWords(t *testing.T) {
	assert.Equal(t, `"name_source":"quic_sni","name_confidence":"low",`, nameMembers[l7.QUICSNI][event.Low])
	assert.Equal(t, `"initiator":"src","initiator_reason":"syn","initiator_confidence":"high",`, initiatorMembers[event.BySYN])
	assert.Panics(t, func() { _ = event.Initiator(len(initiatorMembers)).String() }, "all have one")
	assert.Panics(t, func() { _ = event.Confidence(len(nameMembers[0])).String() }, "all have one")
	assert.Panics(t, func() { _ = l7.NameSource(len(nameMembers)).String() }, "all have one")
}

func printed(w *Writer, e event.Event) string {
	return string(w.Append(nil, new(event.Batch), &e))
}
