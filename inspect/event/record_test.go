package event_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

func TestAppProto(t *testing.T) {
	for _, c := range []struct {
		name    string
		proto   l7.Proto
		ip      uint8
		payload uint64
		want    string
	}{
		{"recognized", l7.TLS, decap.TCP, 10, "tls"},
		{"not recognized", l7.None, decap.TCP, 10, "failed"},
		{"nothing to recognize", l7.None, decap.TCP, 0, ""},
		{"no ports", l7.None, decap.ICMP, 10, ""},
	} {
		e := event.Event{Proto: c.proto, IPProto: c.ip}
		e.Flow.Payload[1] = c.payload
		assert.Equal(t, c.want, e.AppProto(), c.name)
	}
}

func TestCompleteness(t *testing.T) {
	for _, c := range []struct {
		seen, lost uint64
		want       float64
	}{{0, 7, 0}, {1, 2, 0.333}, {1, 1, 0.5}, {7, 0, 1}, {1<<40 - 1, 1, 0.999}} {
		got, known := event.Completeness(c.seen, c.lost)
		assert.True(t, known)
		assert.InDelta(t, c.want, got, 0, "%d seen, %d lost", c.seen, c.lost)
	}
	_, known := event.Completeness(0, 0)
	assert.False(t, known)
}

// TestValueLen: a single value takes one field; an object or array takes its contents and both brackets.
func TestValueLen(t *testing.T) {
	fields := func(kinds ...l7.Kind) (all []event.Field) {
		for _, k := range kinds {
			all = append(all, event.Field{Kind: k})
		}
		return all
	}
	for want, of := range map[int][]event.Field{
		0: nil,
		1: fields(l7.Int, l7.Object, l7.End),
		2: fields(l7.Array, l7.End, l7.String),
		5: fields(l7.Object, l7.Array, l7.Bool, l7.End, l7.End, l7.Int),
		3: fields(l7.Object, l7.Int, l7.Int), // never closed
	} {
		assert.Equal(t, want, event.ValueLen(of), of)
	}
}
