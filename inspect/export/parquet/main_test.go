package parquet_test

import (
	"flag"
	"os"
	"testing"
)

// long reports whether the long forms of tests run: with the environment variable MIRRORSINK_LONG_TESTS.
var long = os.Getenv("MIRRORSINK_LONG_TESTS") != ""

// TestMain lets properties be checked with few cases in the short form, unless a flag gives their number.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !long && !given {
		_ = flag.Set("rapid.checks", "20")
	}
	os.Exit(m.Run())
}
