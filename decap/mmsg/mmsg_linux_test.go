package mmsg_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/mmsg"
)

// pair returns two connected datagram sockets.
func pair(t *testing.T) (here, there int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) })
	return fds[0], fds[1]
}

// messages returns headers that refer to one part each.
func messages(parts [][]byte) []mmsg.Header {
	vectors, headers := make([]unix.Iovec, len(parts)), make([]mmsg.Header, len(parts))
	for i, part := range parts {
		mmsg.Point(&vectors[i], part)
		headers[i].Iov = &vectors[i]
		headers[i].SetIovlen(1)
	}
	return headers
}

// TestSendReceive: what is sent with one call arrives with one call, empty messages included, each with its own length.
func TestSendReceive(t *testing.T) {
	here, there := pair(t)
	var sent, received [][]byte
	for i := range 5 {
		sent = append(sent, []byte(fmt.Sprint(1 << (4 * i)))[:max(1, i)])
		received = append(received, make([]byte, 3))
	}
	sent[2] = nil
	n, err := mmsg.Send(here, messages(sent), 0)
	require.NoError(t, err)
	require.Equal(t, len(sent), n)

	headers := messages(received)
	n, err = mmsg.Receive(there, headers, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
	require.NoError(t, err)
	require.Equal(t, len(sent), n)
	for i, want := range sent {
		require.EqualValues(t, len(want), headers[i].Len, "the real length")
		require.Equal(t, string(want[:min(3, len(want))]), string(received[i][:min(3, len(want))]))
	}
	_, err = mmsg.Receive(there, headers, unix.MSG_DONTWAIT)
	require.ErrorIs(t, err, unix.EAGAIN)
}

// TestSendError: an error is about the first message, and a closed peer raises no signal.
func TestSendError(t *testing.T) {
	here, there := pair(t)
	require.NoError(t, unix.Shutdown(there, unix.SHUT_RD))
	n, err := mmsg.Send(here, messages([][]byte{{1}}), unix.MSG_NOSIGNAL)
	require.Zero(t, n)
	require.ErrorIs(t, err, unix.EPIPE)
	require.NoError(t, mmsg.SetSendBuffer(here, os.Getpagesize()))
}
