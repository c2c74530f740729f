package command

import (
	"io"
	"os"
	"testing"
)

// BenchmarkReplay replays the capture that MIRRORSINK_CAPTURE names. make profile takes the profile of it by which make build optimizes.
func BenchmarkReplay(b *testing.B) {
	capture := os.Getenv("MIRRORSINK_CAPTURE")
	if capture == "" {
		b.Skip("MIRRORSINK_CAPTURE names no capture")
	}
	for _, workers := range []string{"1", "2"} {
		b.Run("workers="+workers, func(b *testing.B) {
			for b.Loop() {
				if code := Run(b.Context(), []string{"replay", "--quiet", "--eve", os.DevNull, "--workers", workers, capture}, io.Discard, io.Discard); code != exitOK {
					b.Fatalf("exit status %d", code)
				}
			}
		})
	}
}
