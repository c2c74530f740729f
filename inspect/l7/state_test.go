package l7

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// TestAssemblyAnyOrder: fragments in any order, overlapping and repeated, give the message; the first copy of a byte wins.
func TestAssemblyAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOfN(rapid.Byte(), 1, 2000).Draw(t, "message")
		var a Assembly
		seen := make([]bool, len(message))
		for range rapid.IntRange(1, 40).Draw(t, "fragments") {
			off := rapid.IntRange(0, len(message)-1).Draw(t, "offset")
			end := rapid.IntRange(off, len(message)).Draw(t, "end")
			fragment := bytes.Clone(message[off:end])
			for i := range fragment {
				if seen[off+i] {
					fragment[i]++ // a second copy that differs must not count
				}
				seen[off+i] = true
			}
			a.Add(off, fragment)
			front := 0
			for front < len(seen) && seen[front] {
				front++
			}
			if !bytes.Equal(a.Front(), message[:front]) {
				t.Fatalf("front of %d bytes is wrong, want %d", len(a.Front()), front)
			}
		}
	})
}

// TestStateSize holds the sizes that Size counts with.
func TestStateSize(t *testing.T) {
	if n := reflect.TypeFor[State]().Size(); n > stateSize {
		t.Fatalf("State takes %d bytes", n)
	}
	if n := reflect.TypeFor[extent]().Size(); n != extentSize {
		t.Fatalf("extent takes %d bytes", n)
	}
}

func TestAssemblyIsBounded(t *testing.T) {
	var a Assembly
	a.Add(-1, []byte("x"))
	a.Add(Window, []byte("x"))
	a.Add(Window-1, []byte("xyz"))
	if len(a.buf) != Window {
		t.Fatalf("%d bytes, want %d", len(a.buf), Window)
	}
}
