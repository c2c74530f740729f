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

// A write that ends within a line happens on a full disk; here it is a full pipe whose patience ends. What comes next
// stands on a line of its own.
func TestPartialLineIsEnded(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	o := &file{path: "pipe"}
	o.f.Store(w)

	require.NoError(t, w.SetWriteDeadline(time.Now().Add(20*time.Millisecond)))
	taken, err := o.Write(append(bytes.Repeat([]byte("x"), 1<<20), '\n'))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Positive(t, taken)

	partial := make([]byte, taken)
	_, err = io.ReadFull(r, partial)
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
