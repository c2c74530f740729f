package tx

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/mirrorsink/mirrorsink/decap"
)

// vlanVersion is the version of the file format.
const vlanVersion = 1

// vlanState is the contents of the file.
type vlanState struct {
	Version int    `json:"version"`
	VLANs   []VLAN `json:"vlans"`
}

// readVLANs reads the file. A missing file is an empty one. A tag or a session that occurs twice is an error.
func readVLANs(name string) ([]VLAN, error) {
	b, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the VLANs of mirror sessions: %w", err)
	}
	var s vlanState
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, damaged(name, errors.New("not JSON, incomplete, or of other fields"))
	}
	if s.Version != vlanVersion {
		return nil, damaged(name, fmt.Errorf("version %d is not known, but %d", s.Version, vlanVersion))
	}
	tags, sessions := map[uint16]bool{}, map[vlanSession]bool{}
	for i := range s.VLANs {
		v := &s.VLANs[i]
		of := vlanSession{v.Outer.Unmap(), v.VNI}
		switch {
		case v.Tag == 0 || v.Tag > MaxVLAN || v.VNI > decap.MaxVNI || !v.Outer.IsValid():
			return nil, damaged(name, fmt.Errorf("VLAN %d for source %v, VNI %d, cannot be", v.Tag, v.Outer, v.VNI))
		case tags[v.Tag] || sessions[of]:
			return nil, damaged(name, fmt.Errorf("VLAN %d, or source %v with VNI %d, is there twice", v.Tag, v.Outer, v.VNI))
		}
		v.Outer = of.outer
		tags[v.Tag], sessions[of] = true, true
	}
	return s.VLANs, nil
}

func damaged(name string, err error) error {
	return fmt.Errorf("%s does not hold the VLANs of mirror sessions: %w: fix it, or remove it to assign VLANs anew", name, err)
}

// A vlanFile writes the table to its file whenever the table has changed, from a goroutine of its own.
type vlanFile struct {
	name  string
	log   *slog.Logger
	table func() []VLAN
	dirty chan struct{} // holds one: something is not written yet
	quit  chan struct{}
	once  sync.Once
	done  sync.WaitGroup

	// The following fields belong to the goroutine.
	stale  bool // the last write failed
	warned bool // it was logged that a write failed
}

func newVLANFile(name string, log *slog.Logger, table func() []VLAN) *vlanFile {
	f := &vlanFile{name: name, log: log, table: table, dirty: make(chan struct{}, 1), quit: make(chan struct{})}
	f.done.Go(f.run)
	return f
}

// changed marks the table as changed. It does not wait.
func (f *vlanFile) changed() {
	select {
	case f.dirty <- struct{}{}:
	default: // the table will be read after this
	}
}

func (f *vlanFile) run() {
	for {
		select {
		case <-f.dirty:
			f.write()
		case <-f.quit:
			if len(f.dirty) > 0 || f.stale {
				f.write()
			}
			return
		}
	}
}

// close writes what has changed, and ends the goroutine.
func (f *vlanFile) close() {
	f.once.Do(func() { close(f.quit) })
	f.done.Wait()
}

// write writes the file, or logs once that it cannot. The next change, or the end, is another attempt.
func (f *vlanFile) write() {
	err := f.replace()
	if err != nil && !f.warned {
		f.log.Warn(fmt.Sprintf("the VLANs of mirror sessions are not kept: write %s: %v; frames are forwarded with them, but some may "+
			"have others after a restart: make the folder writable", f.name, err))
	}
	f.stale, f.warned = err != nil, f.warned || err != nil
}

// replace writes a temporary file beside the file and renames it when it is complete.
func (f *vlanFile) replace() error {
	b, err := json.Marshal(vlanState{Version: vlanVersion, VLANs: f.table()})
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.name), "."+filepath.Base(f.name)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(b, '\n'))
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err == nil {
		err = tmp.Sync() // without it the name may survive a crash of the host, and the contents not
	}
	err = cmp.Or(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), f.name)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
