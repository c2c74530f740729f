package pcap_test

import (
	"bytes"
	"testing"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/tx/pcap"
)

func TestWriterKeepsTimesAndLengths(t *testing.T) {
	const nanos = 1_700_000_000_123_456_789
	var file bytes.Buffer
	w, err := pcap.NewWriter(&file)
	require.NoError(t, err)
	require.NoError(t, w.Write(nanos, []byte("the whole frame"), 15))
	require.NoError(t, w.Write(nanos+1, []byte("cut"), 9000))
	require.NoError(t, w.Flush())

	r, err := pcapgo.NewReader(&file)
	require.NoError(t, err)
	require.Equal(t, layers.LinkTypeEthernet, r.LinkType())
	data, ci, err := r.ReadPacketData()
	require.NoError(t, err)
	require.Equal(t, "the whole frame", string(data))
	require.EqualValues(t, nanos, ci.Timestamp.UnixNano())
	data, ci, err = r.ReadPacketData()
	require.NoError(t, err)
	require.Equal(t, "cut", string(data))
	require.EqualValues(t, nanos+1, ci.Timestamp.UnixNano())
	require.Equal(t, 9000, ci.Length)
}
