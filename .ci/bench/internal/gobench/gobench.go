// Package gobench runs Go benchmarks of mirrorsink's packages, and compares their results.
package gobench

import (
	"context"
	"os"
	"path/filepath"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
)

// rounds is the number of rounds of a benchmark.
const rounds = 7

// testBinary builds the test binary of the package in a folder of the module. It returns its path, and a function that removes it.
func testBinary(ctx context.Context, folder string) (binary string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "mirrorsink-bench")
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	binary = filepath.Join(dir, "package.test")
	if err := process.Command(ctx, "go", "test", "-c", "-o", binary, "./"+folder).Run(); err != nil {
		remove()
		return "", nil, err
	}
	return binary, remove, nil
}
