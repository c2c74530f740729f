package output

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

func TestRotationValues(t *testing.T) {
	for text, want := range map[string]struct {
		rotation
		printed string
	}{
		"":            {rotation{}, ""},
		"256MiB":      {rotation{256 << 20, 0}, "256MiB"},
		"1h":          {rotation{0, time.Hour}, "1h"},
		"90m":         {rotation{0, 90 * time.Minute}, "1h30m"},
		"1h, 1GB":     {rotation{1e9, time.Hour}, "1GB,1h"},
		"100MiB,24h":  {rotation{100 << 20, 24 * time.Hour}, "100MiB,24h"},
		"10m":         {rotation{0, 10 * time.Minute}, "10m"},
		"30s":         {rotation{0, 30 * time.Second}, "30s"},
		"1m30s,50MiB": {rotation{50 << 20, 90 * time.Second}, "50MiB,1m30s"},
	} {
		var r rotation
		require.NoError(t, r.Set(text), text)
		require.Equal(t, want.rotation, r, text)
		require.Equal(t, want.printed, r.String(), text)
	}
	for _, text := range []string{"daily", "0", "-1h", "1h,2h", "1MB,2MB", "1h,", "10M", "0s"} {
		require.Error(t, new(rotation).Set(text), text)
	}
	require.Empty(t, new(rotation).String())
}

// TestRotationsRoundTrip: what a rotation prints, it reads.
func TestRotationsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rotation{
			flags.Size(rapid.IntRange(0, 1<<40).Draw(t, "bytes")),
			time.Duration(rapid.IntRange(0, 1e6).Draw(t, "seconds")) * time.Second,
		}
		if !want.given() {
			return
		}
		var got rotation
		require.NoError(t, got.Set(want.String()), want.String())
		require.Equal(t, want, got)
	})
}
