package output

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/rotate"
)

// Lines is what the lines of a file are.
type Lines uint8

// The kinds of lines.
const (
	EVELines Lines = iota
	FlowLogLines
	NumLines
)

// String returns the name of the flag for such files.
func (l Lines) String() string { return [...]string{"eve", "flowlog"}[l] }

// A Rotation is an output whose files are rotated.
type Rotation interface {
	// Rotated returns what became of the files.
	Rotated() (Lines, rotate.Counts)
}

// rotateOptions are the flags for rotating the files of one kind of lines.
type rotateOptions struct {
	lines Lines
	when  rotation
	keep  flags.Size
}

const (
	defaultRotateKeep = flags.GiB
	minRotateBytes    = flags.MiB
)

func (o *rotateOptions) addTo(g flags.Group, lines Lines) {
	o.lines, o.keep = lines, defaultRotateKeep
	g.Var(&o.when, o.flag("rotate"), "SIZE|DURATION", "rotate files of --"+lines.String()+" of this size or age, such as 256MiB or 1h, or both: 256MiB,1h; rotated files are compressed with gzip")
	g.Var(&o.keep, o.flag("keep"), "SIZE", "delete the oldest rotated files of each --"+lines.String()+", so that all together stay below this size")
}

func (o *rotateOptions) flag(name string) string { return o.lines.String() + "-" + name }

func (o *rotateOptions) check() error {
	least := rotate.KeepFactor * max(o.when.bytes, minRotateBytes)
	switch {
	case !o.when.given() && o.keep != defaultRotateKeep:
		return flags.Usagef("--%s does nothing without --%s", o.flag("keep"), o.flag("rotate"))
	case o.when.bytes != 0 && o.when.bytes < minRotateBytes:
		return flags.Usagef("--%s %v: want 1MiB at least", o.flag("rotate"), &o.when)
	case o.when.every%time.Second != 0:
		return flags.Usagef("--%s %v: want whole seconds", o.flag("rotate"), &o.when)
	case o.keep < least:
		return flags.Usagef("--%s %v: want %v at least, for %d files of the full size", o.flag("keep"), &o.keep, &least, rotate.KeepFactor)
	}
	return nil
}

// open opens a place for lines. The file is nil if it is not rotated: pipes and devices are not either.
func (o *rotateOptions) open(spec string, to Config) (export.Output, *rotate.File, error) {
	if !o.when.given() || !export.IsFile(spec) || isSpecial(spec) {
		out, err := export.OpenOutput(spec)
		return out, nil, err
	}
	f, err := rotate.Open(rotate.Config{
		Path: spec, Bytes: int64(o.when.bytes), Every: o.when.every, Keep: int64(o.keep), Live: !to.Block, Log: to.Log,
	})
	return f, f, err
}

// isSpecial reports whether there is something of the name that is no regular file.
func isSpecial(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular()
}

// rotatedOutput is an output whose file is rotated.
type rotatedOutput struct {
	*export.Queue
	lines Lines
	file  *rotate.File
}

var _ Rotation = rotatedOutput{}

// Rotated implements Rotation.
func (o rotatedOutput) Rotated() (Lines, rotate.Counts) { return o.lines, o.file.Counts() }

// rotation is a flag for when a file is rotated: a size, a duration or both.
type rotation struct {
	bytes flags.Size
	every time.Duration
}

// given reports whether files are rotated.
func (r *rotation) given() bool { return r.bytes > 0 || r.every > 0 }

// errRotation says what a rotation may be.
var errRotation = errors.New("want a size, a duration, or both: 256MiB, 1h, or 256MiB,1h")

// Set takes a size and a duration, with a comma between them if there are both. An empty text, the default, is no rotation.
func (r *rotation) Set(text string) error {
	*r = rotation{}
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if every, err := time.ParseDuration(part); err == nil && every > 0 && r.every == 0 {
			r.every = every
			continue
		}
		var bytes flags.Size
		if err := bytes.Set(part); err != nil || bytes == 0 || r.bytes != 0 {
			return errRotation
		}
		r.bytes = bytes
	}
	return nil
}

// String returns the rotation as Set takes it.
func (r *rotation) String() string {
	every := r.every.String()
	for _, unit := range []string{"m0s", "h0m"} {
		if short, ok := strings.CutSuffix(every, unit); ok {
			every = short + unit[:1]
		}
	}
	switch {
	case r.every == 0 && r.bytes == 0:
		return ""
	case r.every == 0:
		return r.bytes.String()
	case r.bytes == 0:
		return every
	}
	return fmt.Sprintf("%v,%s", &r.bytes, every)
}

// Type implements pflag.Value.
func (*rotation) Type() string { return "rotation" }

var _ pflag.Value = (*rotation)(nil)
