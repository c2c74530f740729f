package tx_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// source is the nth mirrored interface.
func source(n int) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 10<<24|uint32(n))))
}

func openVLANs(t require.TestingT, file string) *tx.VLANs {
	v, err := tx.OpenVLANs(tx.VLANConfig{File: file, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return v
}

// TestVLANs: a session keeps its tag over restarts, whoever comes after, and no two sessions have one.
func TestVLANs(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		file := filepath.Join(dir, "vlans.json")
		require.NoError(rt, os.RemoveAll(file))
		type session struct{ source, vni int }
		tags, owners := map[session]uint16{}, map[uint16]session{}
		v := openVLANs(rt, file)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			if rapid.IntRange(0, 15).Draw(rt, "restart") == 0 {
				v.Close()
				v = openVLANs(rt, file)
			}
			s := session{rapid.IntRange(0, 40).Draw(rt, "source"), rapid.IntRange(0, 2).Draw(rt, "VNI")}
			outer := source(s.source)
			if rapid.Bool().Draw(rt, "mapped") {
				outer = netip.AddrFrom16(outer.As16())
			}
			tag := v.Tag(outer, uint32(s.vni))
			require.True(rt, tag >= 1 && tag <= 4094)
			if known, ok := tags[s]; ok {
				require.Equal(rt, known, tag)
			}
			if owner, ok := owners[tag]; ok {
				require.Equal(rt, owner, s)
			}
			tags[s], owners[tag] = tag, s
		}
		require.Len(rt, v.Table(), len(tags))
		for _, row := range v.Table() {
			s := owners[row.Tag]
			require.Equal(rt, tx.VLAN{Tag: row.Tag, VNI: uint32(s.vni), Outer: source(s.source)}, row)
		}
		v.Close()
	})
}

// TestVLANsWithoutFile holds the first choices: another version of the program must make the same.
func TestVLANsWithoutFile(t *testing.T) {
	for range 2 {
		v := openVLANs(t, "")
		defer v.Close()
		assert.Equal(t, []uint16{firstA, firstB}, []uint16{v.Tag(source(1), 7), v.Tag(netip.MustParseAddr("2001:db8::1"), 7)})
		assert.Zero(t, v.Tag(netip.Addr{}, 0), "plain frames are of no session")
	}
}

// What an FNV-1a hash of 32 bits over address and VNI gives, modulo 4094, and 1.
const firstA, firstB = 4048, 2138

func TestVLANsUsedUp(t *testing.T) {
	var log bytes.Buffer
	v, err := tx.OpenVLANs(tx.VLANConfig{Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	defer v.Close()
	seen := map[uint16]bool{}
	for n := range 4094 {
		seen[v.Tag(source(n), 1)] = true
	}
	require.Len(t, seen, 4094)
	require.Empty(t, log.String())
	for n := range 3 {
		require.Zero(t, v.Tag(source(5000+n), 1))
	}
	require.NotZero(t, v.Tag(source(9), 1))
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
}

func TestVLANsOffAndFixed(t *testing.T) {
	off, err := tx.OpenVLANs(tx.VLANConfig{Mode: tx.VLANOff, File: "/nowhere/at/all"})
	require.NoError(t, err)
	require.Zero(t, off.Tag(source(1), 7))
	require.Empty(t, off.Table())
	off.Close()

	fixed, err := tx.OpenVLANs(tx.VLANConfig{Mode: tx.VLANFixed, Fixed: map[uint32]uint16{7: 70, 3: 30}})
	require.NoError(t, err)
	require.Equal(t, []uint16{70, 70, 0}, []uint16{fixed.Tag(source(1), 7), fixed.Tag(source(2), 7), fixed.Tag(source(1), 8)})
	text, err := json.Marshal(fixed.Table())
	require.NoError(t, err)
	require.JSONEq(t, `[{"vlan":30,"vni":3},{"vlan":70,"vni":7}]`, string(text))
	fixed.Close()

	for _, bad := range []map[uint32]uint16{{1: 0}, {1: 4095}, {1 << 24: 1}} {
		_, err = tx.OpenVLANs(tx.VLANConfig{Mode: tx.VLANFixed, Fixed: bad})
		require.ErrorContains(t, err, "cannot be")
	}
}

// TestVLANsDamagedFile: a file that may be fixed is not overwritten.
func TestVLANsDamagedFile(t *testing.T) {
	for name, text := range map[string]string{
		"empty":          "",
		"half":           `{"version":1,"vlans":[{"vlan":`,
		"behind it":      `{"version":1,"vlans":[]}{}`,
		"version":        `{"version":2,"vlans":[]}`,
		"no version":     `{}`,
		"tag":            `{"version":1,"vlans":[{"vlan":4095,"vni":1,"source":"10.0.0.1"}]}`,
		"no tag":         `{"version":1,"vlans":[{"vni":1,"source":"10.0.0.1"}]}`,
		"VNI":            `{"version":1,"vlans":[{"vlan":1,"vni":16777216,"source":"10.0.0.1"}]}`,
		"source":         `{"version":1,"vlans":[{"vlan":1,"vni":1,"source":"10.0.0"}]}`,
		"no source":      `{"version":1,"vlans":[{"vlan":1,"vni":1}]}`,
		"one tag twice":  `{"version":1,"vlans":[{"vlan":1,"vni":1,"source":"10.0.0.1"},{"vlan":1,"vni":2,"source":"10.0.0.1"}]}`,
		"session twice":  `{"version":1,"vlans":[{"vlan":1,"vni":1,"source":"10.0.0.1"},{"vlan":2,"vni":1,"source":"::ffff:10.0.0.1"}]}`,
		"another format": `[1]`,
	} {
		file := filepath.Join(t.TempDir(), "vlans.json")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := tx.OpenVLANs(tx.VLANConfig{File: file})
		require.ErrorContains(t, err, file, name)
		require.NotContains(t, err.Error(), "\n", name)
		after, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, text, string(after), name)
	}
	_, err := tx.OpenVLANs(tx.VLANConfig{File: t.TempDir()})
	require.ErrorContains(t, err, "directory")
}

// TestVLANsNotWritten: tags go on without the disk, which is logged once.
func TestVLANsNotWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gone", "vlans.json")
	var log bytes.Buffer
	v, err := tx.OpenVLANs(tx.VLANConfig{File: file, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	for n := range 100 {
		require.NotZero(t, v.Tag(source(n), 1))
	}
	v.Close()
	v.Close()
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	require.Contains(t, log.String(), file)
}

// TestVLANsConcurrently: all workers get the same tags, and nothing is left beside the file.
func TestVLANsConcurrently(t *testing.T) {
	dir := t.TempDir()
	v := openVLANs(t, filepath.Join(dir, "vlans.json"))
	var workers sync.WaitGroup
	var tags [4][200]uint16
	for w := range tags {
		workers.Go(func() {
			for n := range tags[w] {
				tags[w][n] = v.Tag(source(n), 1)
				v.Table()
			}
		})
	}
	workers.Wait()
	v.Close()
	for w := range tags {
		require.Equal(t, tags[0], tags[w])
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	again := openVLANs(t, filepath.Join(dir, "vlans.json"))
	defer again.Close()
	require.Equal(t, v.Table(), again.Table())
}
