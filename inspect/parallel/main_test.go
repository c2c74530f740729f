package parallel

import (
	"flag"
	"os"
	"testing"
)

// TestMain reduces the number of cases of properties, unless the environment variable MIRRORSINK_LONG_TESTS asks for the long forms of
// tests, or a flag gives the number.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if os.Getenv("MIRRORSINK_LONG_TESTS") == "" && !given {
		_ = flag.Set("rapid.checks", "20")
	}
	os.Exit(m.Run())
}
