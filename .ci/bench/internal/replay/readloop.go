package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
)

// readLoopSource is a read loop in C, if the reference material is present.
const readLoopSource = captures.Reference + "/rd.c"

// readLoop returns a command that reads the file in its last argument and prints the number of bytes: the C one if it can be
// compiled, else this program. done removes temporary files.
func readLoop(ctx context.Context) (argv []string, done func(), err error) {
	compiler, noCompiler := exec.LookPath("cc")
	_, noSource := os.Stat(readLoopSource)
	if noCompiler != nil || noSource != nil {
		log.Printf("using this program's own read loop: there is no C compiler, or no %s", readLoopSource)
		self, err := os.Executable()
		return []string{self, "-read"}, func() {}, err
	}
	dir, err := os.MkdirTemp("", "mirrorsink-bench")
	if err != nil {
		return nil, nil, err
	}
	binary := filepath.Join(dir, "rd")
	if err := process.Command(ctx, compiler, "-O2", "-o", binary, readLoopSource).Run(); err != nil {
		os.RemoveAll(dir)
		return nil, nil, fmt.Errorf("compile %s: %w", readLoopSource, err)
	}
	return []string{binary}, func() { os.RemoveAll(dir) }, nil
}

// ReadThrough reads a file from start to end, a MiB at a time, and prints the number of bytes.
func ReadThrough(name string, out io.Writer) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 1<<20)
	total := 0
	for {
		n, err := f.Read(buf)
		total += n
		if errors.Is(err, io.EOF) {
			_, err := fmt.Fprintln(out, total, "bytes")
			return err
		} else if err != nil {
			return err
		}
	}
}
