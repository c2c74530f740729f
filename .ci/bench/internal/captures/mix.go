package captures

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/process"
)

// The reference material, which may be present beside the checkout.
const (
	// Reference is the folder of its programs.
	Reference = "../shared/bench"

	referenceCaptures = "../shared/corpus/dev/pcaps"
)

// mixFolder is the name of the mix's folder in the cache.
const mixFolder = "mix"

// mix makes the captures with the program of the reference material. It is built in a copy of its module.
func mix(ctx context.Context, dir string) error {
	src, err := os.MkdirTemp("", "mirrorsink-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(src)
	if err := os.CopyFS(src, os.DirFS(Reference+"/mkmix")); err != nil {
		return err
	}
	build := process.Command(ctx, "go", "build", "-o", "mkmix", ".")
	build.Dir = src
	if err := build.Run(); err != nil {
		return fmt.Errorf("build mkmix: %w", err)
	}
	out := filepath.Join(dir, "capture") // mkmix appends the suffixes of plainName and mirroredName
	return process.Command(ctx, filepath.Join(src, "mkmix"), "mix", strconv.Itoa(minPackets), out, referenceCaptures).Run()
}
