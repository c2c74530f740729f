// Package parquet writes tables into Parquet files in Hive partitions: flow log records, in AWS's columns or in those of OCSF, and
// DNS answers. Rows wait in memory until there are enough for a row group, or until their file is finished.
package parquet

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Schema selects the columns and folders of flow log records.
type Schema uint8

// Schemas.
const (
	AWS  Schema = iota // columns and folders of VPC Flow Logs, with our columns after AWS's
	OCSF               // Network Activity of the Open Cybersecurity Schema Framework, for Security Lake
)

// Config configures how a table is written into files.
type Config struct {
	Dir      string        // a folder, created if it does not exist
	Schema   Schema        // of flow log records
	ID       string        // of this sink as a flow log, such as fl-0123456789abcdef0; DefaultID if empty
	Rotate   time.Duration // files are finished at multiples of it, in UTC
	MaxBytes int64         // a file is finished if another row group might make it larger
	Memory   int           // bytes for rows that are not yet in a file
	Live     bool          // rotate by the clock instead of by the times of the rows: for everything but captures
	Done     func(f File)  // called for each finished file, if not nil; it must not call the writer
	Log      *slog.Logger  // slog's default if nil
}

// File is a finished file.
type File struct {
	Path  string // in the file system
	Key   string // its path within the folder, with slashes: the key that AWS would give it in a bucket
	Rows  int
	Bytes int64
}

// Bounds of a configuration.
const (
	MinMemory = 1 << 20
	MinRotate = time.Second
	MinBytes  = 64 << 10
)

// DefaultID is the flow log ID in the names of files if none is configured.
const DefaultID = "fl-mirrorsink"

func (c *Config) check() error {
	switch {
	case c.Dir == "":
		return errors.New("no folder given")
	case c.Rotate < MinRotate || c.Rotate%time.Second != 0:
		return fmt.Errorf("cannot rotate every %v: give whole seconds, as 5m", c.Rotate)
	case c.MaxBytes < MinBytes:
		return fmt.Errorf("files of %d bytes are too small: give at least %d", c.MaxBytes, MinBytes)
	case c.Memory < MinMemory:
		return fmt.Errorf("%d bytes of memory are too few: give at least %d", c.Memory, MinMemory)
	}
	return nil
}
