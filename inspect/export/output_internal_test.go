package export

import (
	"bytes"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPartialLineIsEnded: after a write that ended within a line, as on a full disk, the next line begins on a line of its own. Here
// the write ends at a deadline that is set once the pipe is full.
func TestPartialLineIsEnded(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	o := &file{path: "pipe"}
	o.f.Store(w)

	type result struct {
		taken int
		err   error
	}
	done := make(chan result)
	text := bytes.Repeat([]byte("x"), 1<<20) // more than any pipe holds
	go func() {
		n, err := o.Write(append(text, '\n'))
		done <- result{n, err}
	}()
	_, err = io.ReadFull(r, make([]byte, 1)) // waits until the write has begun
	require.NoError(t, err)
	require.NoError(t, w.SetWriteDeadline(time.Unix(1, 0)))
	got := <-done
	require.ErrorIs(t, got.err, os.ErrDeadlineExceeded)
	require.Positive(t, got.taken)

	_, err = io.ReadFull(r, make([]byte, got.taken-1))
	require.NoError(t, err)
	require.NoError(t, w.SetWriteDeadline(time.Time{}))
	for range 2 {
		n, err := o.Write([]byte("whole\n"))
		require.NoError(t, err)
		assert.Equal(t, 6, n)
	}
	require.NoError(t, o.Close())
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "\nwhole\nwhole\n", string(rest))
	require.NoError(t, r.Close())
}
