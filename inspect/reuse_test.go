package inspect

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// TestPortsUsedAgain: a connection that uses the addresses and ports of an older one is another flow with a name of its own, whatever the
// end of the older one was, and whichever packets of the new handshake were lost.
func TestPortsUsedAgain(t *testing.T) {
	ends := map[string]struct {
		pause int64
		end   func(x *twoSides)
	}{
		"closed":            {0, (*twoSides).close},
		"reset":             {60 * millisecond, func(x *twoSides) { x.send(0, decap.RST, nil, nil) }},
		"reset by a server": {60 * millisecond, func(x *twoSides) { x.send(1, decap.RST|decap.ACK, nil, nil) }},
		"half closed":       {1001 * millisecond, func(x *twoSides) { x.send(1, decap.FIN|decap.ACK, nil, nil); x.send(0, decap.ACK, nil, nil) }},
		"quiet":             {1001 * millisecond, func(*twoSides) {}},
	}
	for name, c := range ends {
		for lost := range uint(8) {
			for seed := range uint64(6) {
				r := rand.New(rand.NewPCG(seed, 5))
				x := newTwoSides(r)
				exchange := func(name string) {
					x.send(0, decap.ACK|decap.PSH, helloFor(name, byte(seed)), nil)
					x.send(1, decap.ACK, nil, nil)
					x.send(0, decap.ACK|decap.PSH, []byte{23, 3, 3, 0, 3, 1, 2, 3}, nil)
				}
				x.open()
				exchange("first-name-1")
				c.end(x)
				x.nanos += c.pause + r.Int64N(int64(1e9))
				n := len(x.frames)
				x.next[0] += 1<<30 + r.Uint32N(1<<31)
				x.next[1] += 1<<30 + r.Uint32N(1<<31)
				x.open()
				for i := 2; i >= 0; i-- {
					if lost>>i&1 != 0 {
						x.frames = slices.Delete(x.frames, n+i, n+i+1)
					}
				}
				exchange("other-name-2")
				x.close()
				out, counters := inspect(t, Config{}, x.frames)
				want := []trialFlow{{"first-name-1", event.High, 0}, {"other-name-2", event.High, 0}}
				what := fmt.Sprintf("%s, lost %03b, seed %d", name, lost, seed)
				require.Equal(t, want, flowsByClient(out)[x.id], what)
				require.Zero(t, counters.LostBytes, what)
			}
		}
	}
}
