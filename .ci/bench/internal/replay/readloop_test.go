package replay

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/stretchr/testify/require"
)

func TestReadThrough(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, make([]byte, 3<<20+1), 0o600))
	var output strings.Builder
	require.NoError(t, ReadThrough(name, &output))
	c := loopOver(nil, captures.Capture{Bytes: 3<<20 + 1}, nil)
	require.NoError(t, c.Check(output.String()))
	require.ErrorIs(t, ReadThrough(name+"x", nil), os.ErrNotExist)
}
