package main

import (
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

func TestByteSize(t *testing.T) {
	for text, want := range map[string]byteSize{
		"0": 0, "17": 17, "17B": 17, "2kB": 2000, "3MB": 3e6, "4GB": 4e9, "5KiB": 5 << 10, "6MiB": 6 << 20, "7 GiB": 7 << 30,
	} {
		var s byteSize
		require.NoError(t, s.Set(text), text)
		assert.Equal(t, want, s, text)
	}
	for _, text := range []string{"", "B", "MiB", "-1", "1.5GiB", "1TiB", "0x10", "99999999999GiB", "9223372036854775807"} {
		var s byteSize
		assert.Error(t, s.Set(text), text)
	}
}

func TestByteSizePrintsWhatItReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom(byteUnits).Draw(t, "unit")
		s := byteSize(rapid.Int64Range(0, 1<<20).Draw(t, "number") * unit.bytes)
		var again byteSize
		require.NoError(t, again.Set(s.String()))
		assert.Equal(t, s, again)
	})
}

func TestVNIRanges(t *testing.T) {
	var r vniRanges
	require.NoError(t, r.Set("7"))
	require.NoError(t, r.Set("100-199, 16777215"))
	assert.Equal(t, vniRanges{{First: 7, Last: 7}, {First: 100, Last: 199}, {First: tx.MaxVNI, Last: tx.MaxVNI}}, r)
	assert.Equal(t, "7,100-199,16777215", r.String())
	require.NoError(t, r.Replace([]string{"8"}))
	assert.Equal(t, "8", r.String())
	for _, text := range []string{"", "x", "1-", "-1", "2-1", "16777216", "1,,2"} {
		assert.Error(t, new(vniRanges).Set(text), text)
	}
}

func TestPrefixes(t *testing.T) {
	var p prefixes
	require.NoError(t, p.Set("10.0.0.0/8,192.0.2.1"))
	require.NoError(t, p.Set("2001:db8::1"))
	assert.Equal(t, "10.0.0.0/8,192.0.2.1/32,2001:db8::1/128", p.String())
	require.NoError(t, p.Replace(nil))
	assert.Empty(t, p)
	for _, text := range []string{"", "10.0.0.0/33", "example.com", "fe80::1%eth0"} {
		assert.Error(t, new(prefixes).Set(text), text)
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"off": "off", ":4789": "[::]:4789", "127.0.0.1:0": "127.0.0.1:0", "[2001:db8::1]:6081": "[2001:db8::1]:6081",
	} {
		a := address{}
		require.NoError(t, a.Set(text), text)
		assert.Equal(t, want, a.String())
	}
	for _, text := range []string{"", "4789", "localhost:4789", "10.0.0.1", ":99999"} {
		assert.Error(t, new(address).Set(text), text)
	}
}

// Flags that print something else than they read would show wrong defaults in help texts.
func TestDefaultsCanBeSet(t *testing.T) {
	for _, cmd := range newRoot(nil, nil).Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, isList := f.Value.(list); !isList {
				assert.NoError(t, f.Value.Set(f.DefValue), "%s --%s", cmd.Name(), f.Name)
				assert.Equal(t, f.DefValue, f.Value.String(), "%s --%s", cmd.Name(), f.Name)
			}
		})
	}
}

func TestEncapsulationKnowsAllValues(t *testing.T) {
	for e, name := range map[decap.Encapsulation]string{decap.Auto: "auto", decap.Always: "always", decap.Never: "never"} {
		var flag encapsulation
		require.NoError(t, flag.Set(name))
		assert.Equal(t, e, decap.Encapsulation(flag))
		assert.Equal(t, name, flag.String())
	}
}

func TestHeapLimit(t *testing.T) {
	assert.Equal(t, int64(252*miB), heapLimit(512*miB))
	assert.Equal(t, int64(64*miB*226/512+16*miB), heapLimit(64*miB))
	assert.Equal(t, int64(16*miB), heapLimit(0))
}
