package decap_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

// steer10 is 10.0.0.x.
func steer10(x byte) decap.Addr { return decap.Addr{10: 0xff, 11: 0xff, 12: 10, 15: x} }

// steerDB8 is 2001:db8::x.
func steerDB8(x byte) decap.Addr { return decap.Addr{0x20, 0x01, 0x0d, 0xb8, 15: x} }

// TestSteerFlowIsFixed holds the hash itself: a ring or a replay on another machine must agree with it.
func TestSteerFlowIsFixed(t *testing.T) {
	assert.Equal(t, uint32(0x28e25f2e), decap.SteerFlow(steer10(1), steer10(2), 49152, 443))
	assert.Equal(t, uint32(0x44af8df1), decap.SteerFlow(steerDB8(1), steerDB8(2), 49152, 443))
}

func TestSteerFlowIsSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SliceOfN(rapid.Byte(), 16, 16)
		a, b := decap.Addr(bytes.Draw(t, "a")), decap.Addr(bytes.Draw(t, "b"))
		p, q := rapid.Uint16().Draw(t, "p"), rapid.Uint16().Draw(t, "q")
		assert.Equal(t, decap.SteerFlow(a, b, p, q), decap.SteerFlow(b, a, q, p))
	})
}

// TestSteerSpreads takes networks as they are found in a VPC, where addresses and ports are far from random.
func TestSteerSpreads(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	traffics := map[string]func(i int) uint32{
		"one client, successive ports, one server": func(i int) uint32 {
			return decap.SteerFlow(steer10(1), steer10(2), uint16(32768+i), 443)
		},
		"many clients, one server, random ports": func(i int) uint32 {
			client := steer10(0)
			binary.BigEndian.PutUint16(client[14:], uint16(i))
			return decap.SteerFlow(client, steer10(2), uint16(32768+rnd.IntN(28000)), 443)
		},
		"pairs of neighbors, same port at both ends": func(i int) uint32 {
			a, b := steer10(0), steer10(0)
			binary.BigEndian.PutUint16(a[14:], uint16(2*i))
			binary.BigEndian.PutUint16(b[14:], uint16(2*i+1))
			return decap.SteerFlow(a, b, 123, 123)
		},
		"two subnets, addresses alone": func(i int) uint32 {
			a, b := steer10(0), steer10(0)
			a[14], a[15], b[14], b[15] = 1, byte(i), 2, byte(i>>8)
			return decap.SteerFlow(a, b, 0, 0)
		},
		"IPv6, successive interface IDs": func(i int) uint32 {
			a := steerDB8(0)
			binary.BigEndian.PutUint16(a[14:], uint16(i))
			return decap.SteerFlow(a, steerDB8(2), 40000, 443)
		},
	}
	const flows = 4096
	for name, hash := range traffics {
		for _, workers := range []int{2, 3, 4, 8} {
			counts := make([]int, workers)
			for i := range flows {
				counts[decap.SteerTo(hash(i), workers)]++
			}
			for _, n := range counts {
				assert.InDelta(t, flows/workers, n, float64(flows/workers)/4, "%s: %v", name, counts)
			}
		}
	}
}

func TestSteerToStaysWithin(t *testing.T) {
	for _, n := range []int{1, 2, 7, 1024, 65535} {
		assert.Equal(t, 0, decap.SteerTo(0, n))
		assert.Equal(t, n-1, decap.SteerTo(0xffffffff, n))
	}
}
