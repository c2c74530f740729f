package flags

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/bytesize"
)

func TestByteSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "17": 17, "17B": 17, "2kB": 2000, "3MB": 3e6, "4GB": 4e9, "5KiB": 5 << 10, "6MiB": 6 << 20, "7 GiB": 7 << 30,
	} {
		var s Size
		require.NoError(t, s.Set(text), text)
		assert.Equal(t, want, s, text)
	}
	for _, text := range []string{"", "B", "MiB", "-1", "1.5GiB", "1TiB", "0x10", "99999999999GiB", "9223372036854775807"} {
		var s Size
		assert.Error(t, s.Set(text), text)
	}
}

func TestByteSizePrintsWhatItReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom(bytesize.Units).Draw(t, "unit")
		s := Size(rapid.Int64Range(0, 1<<20).Draw(t, "number") * unit.Bytes)
		var again Size
		require.NoError(t, again.Set(s.String()))
		assert.Equal(t, s, again)
	})
}

func TestVNIRanges(t *testing.T) {
	var r VNIs
	require.NoError(t, r.Set("7"))
	require.NoError(t, r.Set("100-199, 16777215"))
	assert.Equal(t, VNIs{{First: 7, Last: 7}, {First: 100, Last: 199}, {First: decap.MaxVNI, Last: decap.MaxVNI}}, r)
	assert.Equal(t, "7,100-199,16777215", r.String())
	require.NoError(t, r.Replace([]string{"8"}))
	assert.Equal(t, "8", r.String())
	for _, text := range []string{"", "x", "1-", "-1", "2-1", "16777216", "1,,2"} {
		assert.Error(t, new(VNIs).Set(text), text)
	}
}

func TestPrefixes(t *testing.T) {
	var p Prefixes
	require.NoError(t, p.Set("10.0.0.0/8,192.0.2.1"))
	require.NoError(t, p.Set("2001:db8::1"))
	assert.Equal(t, "10.0.0.0/8,192.0.2.1/32,2001:db8::1/128", p.String())
	require.NoError(t, p.Replace(nil))
	assert.Empty(t, p)
	for _, text := range []string{"", "10.0.0.0/33", "example.com", "fe80::1%eth0"} {
		assert.Error(t, new(Prefixes).Set(text), text)
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"off": "off", ":4789": "[::]:4789", "127.0.0.1:0": "127.0.0.1:0", "[2001:db8::1]:6081": "[2001:db8::1]:6081",
	} {
		a := Address{}
		require.NoError(t, a.Set(text), text)
		assert.Equal(t, want, a.String())
	}
	for _, text := range []string{"", "4789", "localhost:4789", "10.0.0.1", ":99999"} {
		assert.Error(t, new(Address).Set(text), text)
	}
}

func TestEncapsulationKnowsAllValues(t *testing.T) {
	for e, name := range map[decap.Encapsulation]string{decap.Auto: "auto", decap.Always: "always", decap.Never: "never"} {
		var flag Encapsulation
		require.NoError(t, flag.Set(name))
		assert.Equal(t, e, decap.Encapsulation(flag))
		assert.Equal(t, name, flag.String())
	}
}

func TestIsAccount(t *testing.T) {
	for text, want := range map[string]bool{
		"111122223333": true, "": false, "11112222333": false, "1111222233334": false, "11112222333a": false, "-11112222333": false,
	} {
		require.Equal(t, want, IsAccount(text), text)
	}
}
