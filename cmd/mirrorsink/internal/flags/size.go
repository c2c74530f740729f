package flags

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a flag for an amount of memory, such as 512MiB.
type Size int

const (
	KiB = 1 << 10
	MiB = 1 << 20
	GiB = 1 << 30
)

// byteUnits are tried in this order: the longer names end in the shorter ones, and the larger units print shorter.
var byteUnits = []struct {
	name  string
	bytes int64
}{
	{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {"", 1},
}

// Set parses a number with a unit: B, kB, MB, GB, KiB, MiB, GiB, or none for bytes.
func (s *Size) Set(text string) error {
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 {
			return errors.New("want a size such as 512MiB or 2GB")
		}
		if n > math.MaxInt64/8/u.bytes {
			return errors.New("more than any machine has")
		}
		*s = Size(n * u.bytes)
		return nil
	}
	return nil // not reached: every text ends in the empty unit
}

// ParseSize parses a size as flags have it.
func ParseSize(text string) (uint64, error) {
	var s Size
	err := s.Set(text)
	return uint64(s), err
}

// String returns the size in the largest unit that divides it.
func (s *Size) String() string {
	for _, u := range byteUnits {
		if n := int64(*s); n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprint(n/u.bytes, u.name)
		}
	}
	return "0"
}

// Approximate returns the size in a unit that leaves few digits.
func (s Size) Approximate() string {
	for _, u := range byteUnits[:3] {
		if int64(s) >= u.bytes {
			return fmt.Sprintf("%.1f %s", float64(s)/float64(u.bytes), u.name)
		}
	}
	return fmt.Sprintf("%d B", int(s))
}

// Type implements pflag.Value.
func (*Size) Type() string { return "size" }
