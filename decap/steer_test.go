package decap_test

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

// steerBytes joins annotated lines of hex: what follows a | is a remark.
func steerBytes(t testing.TB, lines ...string) []byte {
	t.Helper()
	var digits strings.Builder
	for _, line := range lines {
		code, _, _ := strings.Cut(line, "|")
		digits.WriteString(strings.ReplaceAll(code, " ", ""))
	}
	b, err := hex.DecodeString(digits.String())
	require.NoError(t, err)
	return b
}

const (
	steerMACs  = "020000000001 020000000002 | Ethernet: destination, source"
	steerUDP4  = "45000020 00000000 40110000 0a000001 0a000002 | IPv4: UDP 10.0.0.1 > 10.0.0.2"
	steerTCP4  = "45000028 00000000 40060000 0a000001 0a000002 | IPv4: TCP 10.0.0.1 > 10.0.0.2"
	steerTCP6  = "60000000 00140640 20010db8000000000000000000000001 20010db8000000000000000000000002 | IPv6: TCP ::1 > ::2"
	steerPorts = "c000 01bb | ports 49152 > 443"
)

// steer10 is 10.0.0.x.
func steer10(x byte) decap.Addr { return decap.Addr{10: 0xff, 11: 0xff, 12: 10, 15: x} }

// steerDB8 is 2001:db8::x.
func steerDB8(x byte) decap.Addr { return decap.Addr{0x20, 0x01, 0x0d, 0xb8, 15: x} }

func TestSteerHashReadsWhatCounts(t *testing.T) {
	tcp4 := decap.SteerFlow(steer10(1), steer10(2), 49152, 443)
	hosts4 := decap.SteerFlow(steer10(1), steer10(2), 0, 0)
	tcp6 := decap.SteerFlow(steerDB8(1), steerDB8(2), 49152, 443)
	hosts6 := decap.SteerFlow(steerDB8(1), steerDB8(2), 0, 0)
	cases := []struct {
		name  string
		frame []string
		want  uint32
	}{
		{"TCP over IPv4", []string{steerMACs, "0800", steerTCP4, steerPorts}, tcp4},
		{"IPv4 options", []string{steerMACs, "0800", "46000028 00000000 40060000 0a000001 0a000002", "01010101", steerPorts}, tcp4},
		{"UDP", []string{steerMACs, "0800", steerUDP4, steerPorts}, tcp4},
		{"SCTP", []string{steerMACs, "0800", "45000028 00000000 40840000 0a000001 0a000002", steerPorts}, tcp4},
		{"ICMP has no ports", []string{steerMACs, "0800", "45000028 00000000 40010000 0a000001 0a000002", steerPorts}, hosts4},
		{"ports were cut off", []string{steerMACs, "0800", steerTCP4, "c00001"}, hosts4},
		{"first fragment", []string{steerMACs, "0800", "45000028 00002000 40110000 0a000001 0a000002", steerPorts}, hosts4},
		{"later fragment", []string{steerMACs, "0800", "45000028 00000001 40110000 0a000001 0a000002", steerPorts}, hosts4},
		{"do not fragment", []string{steerMACs, "0800", "45000028 00004000 40060000 0a000001 0a000002", steerPorts}, tcp4},
		{"one tag", []string{steerMACs, "8100 0007 0800", steerTCP4, steerPorts}, tcp4},
		{"two tags", []string{steerMACs, "88a8 0001 8100 0007 0800", steerTCP4, steerPorts}, tcp4},
		{"old QinQ", []string{steerMACs, "9100 0001 8100 0007 86dd", steerTCP6, steerPorts}, tcp6},
		{"three tags", []string{steerMACs, "88a8 0001 8100 0007 8100 0001 0800", steerTCP4, steerPorts}, 0},
		{"TCP over IPv6", []string{steerMACs, "86dd", steerTCP6, steerPorts}, tcp6},
		{"IPv6 fragment", []string{steerMACs, "86dd", strings.Replace(steerTCP6, "0640", "2c40", 1), "06000000", steerPorts}, hosts6},
		{"VXLAN inside", []string{steerMACs, "0800", steerUDP4, "c000 12b5"}, hosts4},
		{"GENEVE inside, the other way", []string{steerMACs, "0800", steerUDP4, "17c1 c000"}, hosts4},
		{"GTP-U inside", []string{steerMACs, "0800", steerUDP4, "0868 0868"}, hosts4},
		{"flannel inside", []string{steerMACs, "0800", steerUDP4, "c000 2118"}, hosts4},
		{"TCP on a tunnel's port", []string{steerMACs, "0800", steerTCP4, "c000 12b5"},
			decap.SteerFlow(steer10(1), steer10(2), 49152, 4789)},
		{"ARP", []string{steerMACs, "0806", "0001 0800 0604 0001"}, 0},
		{"no whole IP header", []string{steerMACs, "0800", "45000028 00000000 40060000 0a000001 0a0000"}, 0},
		{"nothing", nil, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			frame := steerBytes(t, c.frame...)
			assert.Equal(t, c.want, decap.SteerHash(frame, decap.LinkEthernet))
			vxlan := append(steerBytes(t, "08000000 00002a00"), frame...)
			assert.Equal(t, c.want, decap.SteerHash(vxlan, decap.LinkVXLAN))
			teb := append(steerBytes(t, "0100 6558 00002a00 01080100"), frame...) // one option of four bytes
			assert.Equal(t, c.want, decap.SteerHash(teb, decap.LinkGENEVE))
			gateway := append(steerBytes(t, "0000 0800 00000000", steerUDP4, "ff80 12b5 0000 0000"), vxlan...)
			assert.Equal(t, c.want, decap.SteerHash(gateway, decap.LinkGENEVE))
		})
	}
}

func TestSteerHashOfIP(t *testing.T) {
	want4, want6 := decap.SteerFlow(steer10(1), steer10(2), 49152, 443), decap.SteerFlow(steerDB8(1), steerDB8(2), 49152, 443)
	ip4, ip6 := steerBytes(t, steerTCP4, steerPorts), steerBytes(t, steerTCP6, steerPorts)
	assert.Equal(t, want4, decap.SteerHash(ip4, decap.LinkIP))
	assert.Equal(t, want6, decap.SteerHash(ip6, decap.LinkIP))
	assert.Equal(t, want4, decap.SteerHash(append(steerBytes(t, "0000 0800 00000000"), ip4...), decap.LinkGENEVE))
	assert.Equal(t, want6, decap.SteerHash(append(steerBytes(t, "0000 86dd 00000000"), ip6...), decap.LinkGENEVE))
	assert.Zero(t, decap.SteerHash(append(steerBytes(t, "0000 8847 00000000"), ip4...), decap.LinkGENEVE), "MPLS")
	assert.Zero(t, decap.SteerHash(ip4, decap.LinkSLL))
}

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

func TestSteerHashAllocatesNothing(t *testing.T) {
	frame := append(steerBytes(t, "08000000 00002a00"), steerBytes(t, steerMACs, "86dd", steerTCP6, steerPorts)...)
	assert.Zero(t, testing.AllocsPerRun(100, func() { decap.SteerHash(frame, decap.LinkVXLAN) }))
}
