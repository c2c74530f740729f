package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal returns a pseudo terminal, and what is shown on it.
func terminal(t *testing.T, width, height uint16) (tty *os.File, shown *logBuffer) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this system has no pseudo terminals: ", err)
	}
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width}))
	shown = new(logBuffer)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(shown, master) // until the terminal is closed
	}()
	t.Cleanup(func() {
		tty.Close()
		<-done
		master.Close()
	})
	return tty, shown
}

func TestDemoOnATerminalShowsATable(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	tty, shown := terminal(t, 160, 24)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int, 1)
	go func() { code <- Run(ctx, []string{"demo"}, tty, io.Discard) }()
	shown.await(t, `NAME +FROM +PROTOCOL [^\n]*\n(\S+) +(?:sni|http_host) +(?:tls|http) `)
	cancel()
	assert.Equal(t, exitOK, <-code)
	shown.await(t, `(\x1b\[\?25h)$`) // the cursor is back
	assert.NotContains(t, shown.String(), "\x1b[1m", "no bold")
}

func TestReplayOnATerminalShowsProgress(t *testing.T) {
	tty, shown := terminal(t, 80, 24)
	capture, writer, err := os.Pipe()
	require.NoError(t, err)
	defer capture.Close()
	text, err := os.ReadFile(testdata("plain-dns.pcap"))
	require.NoError(t, err)
	_, err = writer.Write(text)
	require.NoError(t, err)

	cmd := program(t, "replay", "--eve", os.DevNull, "-")
	cmd.Stdin, cmd.Stderr = capture, tty
	require.NoError(t, cmd.Start())
	shown.await(t, `\r\x1b\[K(\d+\.\d KiB), \d+ packets/s, \d+ flows`)
	require.NoError(t, writer.Close())
	require.NoError(t, cmd.Wait())
	shown.await(t, `\r\x1b\[K(packets) +\d+ in `)
}
