package captures

import (
	"errors"
	"os"
	"path/filepath"
)

// The files in a folder of captures.
const (
	plainName    = "capture.pcap"
	mirroredName = "capture_vxlan.pcap"
)

// MirroredMix returns the path of the mirrored capture of the mix, which may not exist.
func MirroredMix() (string, error) {
	cache, err := cacheDir()
	return filepath.Join(cache, mixFolder, mirroredName), err
}

// cacheDir returns the folder of the captures.
func cacheDir() (string, error) {
	if dir := os.Getenv("MIRRORSINK_BENCH_DIR"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "mirrorsink-bench"), err
}

// makeOnce fills a folder with build. The folder gets its name once it is complete.
func makeOnce(dir string, build func(tmp string) error) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+"-unfinished-")
	if err != nil {
		return err
	}
	if err := build(tmp); err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	return os.Rename(tmp, dir)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
