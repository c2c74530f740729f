//go:build !linux

package capture

import "os"

// mapFile returns nil: elsewhere than on Linux, files are read through a buffer.
func mapFile(*os.File) []byte { return nil }

func unmapFile([]byte) {}

func standardInput() *os.File { return os.Stdin }
