package flags

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/mirrorsink/mirrorsink/inspect/bytesize"
)

// Size is a flag for an amount of memory, such as 512MiB.
type Size int

const (
	KiB = 1 << 10
	MiB = 1 << 20
	GiB = 1 << 30
)

// Set parses a number with a unit: B, kB, MB, GB, KiB, MiB, GiB, or none for bytes.
func (s *Size) Set(text string) error {
	number, unit := bytesize.Split(text)
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 {
		return errors.New("want a size such as 512MiB or 2GB")
	}
	if n > math.MaxInt64/8/unit {
		return errors.New("more than any machine has")
	}
	*s = Size(n * unit)
	return nil
}

// ParseSize parses a size as flags have it.
func ParseSize(text string) (uint64, error) {
	var s Size
	err := s.Set(text)
	return uint64(s), err
}

// String returns the size in the largest unit that divides it.
func (s *Size) String() string {
	for _, u := range bytesize.Units {
		if n := int64(*s); n >= u.Bytes && n%u.Bytes == 0 {
			return fmt.Sprint(n/u.Bytes, u.Name)
		}
	}
	return "0"
}

// Approximate returns the size in a unit that leaves few digits.
func (s Size) Approximate() string {
	for _, u := range bytesize.Units[:3] {
		if int64(s) >= u.Bytes {
			return fmt.Sprintf("%.1f %s", float64(s)/float64(u.Bytes), u.Name)
		}
	}
	return fmt.Sprintf("%d B", int(s))
}

// Type implements pflag.Value.
func (*Size) Type() string { return "size" }
