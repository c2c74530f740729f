package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// damagedCaptures are the captures that end early on purpose, and where. For all others both readers reach the end.
var damagedCaptures = map[string]string{
	"suriver__bug-1450-04_tls_DER-incomplete-header.pcap":  "byte 5035: damaged: a frame of 4325376 bytes",
	"suriver__bug-1450-05_tls_DER-incomplete-content.pcap": "byte 5035: damaged: a frame of 4325376 bytes",
	"suriver__bug-6875-01_fuzz.pcap":                       "byte 228: damaged: a frame of 1409179648 bytes",
}

// oddTimes are captures that state more than 4294967 microseconds after the second, which we add as they are;
// gopacket turns them into nanoseconds within 32 bits.
var oddTimes = map[string]bool{
	"ndpi__fuzz-2021-06-07-c6c72a0a56.pcap": true,
}

// refusedCapture is the capture in which gopacket refuses a frame that is longer than it was on the wire.
const refusedCapture = "tcpdump__aoe-oobr-1.pcap"

// TestOracle compares every frame of every capture with what gopacket's readers give.
func TestOracle(t *testing.T) {
	for _, name := range testCaptures(t) {
		compareWithOracle(t, name)
	}
}

// TestOracleCorpus does so with the public captures, of which many are malformed on purpose.
func TestOracleCorpus(t *testing.T) {
	dir := filepath.Join(moduleDir(t), "..", "shared", "corpus", "dev", "pcaps")
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	if len(names) == 0 {
		t.Skip("no public captures in ../shared/corpus/dev/pcaps")
	}
	for _, name := range testform.Some(names) {
		compareWithOracle(t, name)
	}
}

func compareWithOracle(t *testing.T, name string) {
	t.Helper()
	c, err := Open(name)
	var unsupported *LinkTypeError
	if errors.As(err, &unsupported) {
		return
	}
	require.NoError(t, err)
	frames, err := readAll(t, c)
	require.NoError(t, c.Close())
	if damage, ok := damagedCaptures[filepath.Base(name)]; ok {
		assert.EqualError(t, err, name+": "+damage)
	} else {
		assert.NoError(t, err)
	}

	oracle, misdated := openOracle(t, name), misdatedFrames(t, name)
	if filepath.Base(name) == refusedCapture {
		frames = nil
	}
	for i, f := range frames {
		data, info, linkType, err := oracle()
		require.NoError(t, err, "%s: frame %d", name, i+1)
		want := frameCopy{
			Data:    string(data),
			Nanos:   expectedNanos(info.Timestamp, frames, i),
			WireLen: min(info.Length, math.MaxInt32),
			Link:    oracleLink(linkType),
		}
		if oddTimes[filepath.Base(name)] || misdated[i] {
			want.Nanos = f.Nanos
		}
		assert.Equal(t, want, f, "%s: frame %d", name, i+1)
	}
	_, _, _, err = oracle()
	require.Error(t, err, "%s: a frame more than the %d that we read", name, len(frames))
}

// oracleLink returns the link that a type stands for. Gopacket keeps 8 bits of it, so that 276 becomes 20.
func oracleLink(linkType layers.LinkType) decap.Link {
	if linkType == 276&0xff {
		return decap.LinkSLL2
	}
	return linkOf(uint16(linkType))
}

// misdatedFrames returns the numbers of the frames whose time was replaced, from 0.
func misdatedFrames(t *testing.T, name string) map[int]bool {
	t.Helper()
	c, err := Open(name)
	require.NoError(t, err)
	defer c.Close()
	frames, count := map[int]bool{}, 0
	for b := new(decap.Batch); c.Read(b) == nil; count += b.N {
		for i := range b.N {
			if b.D[i].Misdated {
				frames[count+i] = true
			}
		}
	}
	if len(frames) > 0 {
		t.Logf("%s: %d times replaced", name, len(frames))
	}
	return frames
}

// expectedNanos returns what we say of a time: that of a neighbor where gopacket knows none, and no time out of bounds.
func expectedNanos(at time.Time, frames []frameCopy, i int) int64 {
	switch {
	case at.Unix() < 0 && !at.IsZero():
		return 0
	case at.IsZero():
		return frames[max(0, i-1)].Nanos
	case at.Unix() > maxNanos/1_000_000_000:
		return maxNanos
	}
	return at.UnixNano()
}

// openOracle returns a function that gives the next frame as gopacket reads it.
func openOracle(t *testing.T, name string) func() ([]byte, gopacket.CaptureInfo, layers.LinkType, error) {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	var r io.Reader = bytes.NewReader(content)
	if hasGzipMagic(content) {
		r, err = gzip.NewReader(r)
		require.NoError(t, err)
	}
	br := bufio.NewReader(r)
	magic, err := br.Peek(magicLen)
	require.NoError(t, err)
	if isPcapng(magic) {
		ng, err := pcapgo.NewNgReader(br, pcapgo.NgReaderOptions{WantMixedLinkType: true})
		require.NoError(t, err)
		return func() ([]byte, gopacket.CaptureInfo, layers.LinkType, error) {
			data, info, err := ng.ReadPacketData()
			if err != nil {
				return nil, info, 0, err
			}
			return data, info, info.AncillaryData[0].(layers.LinkType), nil
		}
	}
	p, err := pcapgo.NewReader(br)
	require.NoError(t, err)
	p.SetSnaplen(maxFrame) // many files have frames longer than they say
	return func() ([]byte, gopacket.CaptureInfo, layers.LinkType, error) {
		data, info, err := p.ReadPacketData()
		return data, info, p.LinkType(), err
	}
}
