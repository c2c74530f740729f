package rx

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"

	"golang.org/x/net/bpf"
)

// A dropMark identifies the owner of a filter. It is in the filter's own program, as loads of constants that the rest overwrites: the
// kernel returns nothing else of what a classic program was added with.
type dropMark struct {
	pid, started uint32 // of the process; its start time distinguishes it from a later process with the same number
	port         uint16
	made         bool // this process added the queueing discipline of the filters
}

// dropMagic is "mirr" in ASCII, and identifies the constants that follow.
const dropMagic = 0x6d697272

// loadConstant is BPF_LD|BPF_IMM, an instruction of 8 bytes whose last four are the constant.
const (
	loadConstant   = 0
	instructionLen = 8
	markWords      = 4
)

// ownMark returns the mark of this process.
func ownMark(port uint16) dropMark {
	pid := uint32(os.Getpid())
	return dropMark{pid: pid, started: processStart(pid), port: port}
}

// alive reports whether the process of the mark is running.
func (m dropMark) alive() bool { return m.started != 0 && processStart(m.pid) == m.started }

// before returns a program that begins with the mark.
func (m dropMark) before(program []bpf.Instruction) []bpf.Instruction {
	last := uint32(m.port) << 1
	if m.made {
		last |= 1
	}
	var marked []bpf.Instruction
	for _, k := range [markWords]uint32{dropMagic, m.pid, m.started, last} {
		marked = append(marked, bpf.LoadConstant{Dst: bpf.RegA, Val: k})
	}
	return append(marked, program...)
}

// markOf reads the mark of a program as the kernel gives it, struct sock_filter after struct sock_filter.
func markOf(program []byte) (m dropMark, ok bool) {
	if len(program) < markWords*instructionLen {
		return dropMark{}, false
	}
	var words [markWords]uint32
	for i := range words {
		instruction := program[i*instructionLen:]
		if binary.NativeEndian.Uint16(instruction) != loadConstant {
			return dropMark{}, false
		}
		words[i] = binary.NativeEndian.Uint32(instruction[4:])
	}
	if words[0] != dropMagic {
		return dropMark{}, false
	}
	return dropMark{pid: words[1], started: words[2], port: uint16(words[3] >> 1), made: words[3]&1 != 0}, true
}

// processStart returns when a process was started, in clock ticks since the host was (proc_pid_stat(5), field 22); 0 if there
// is no such process.
func processStart(pid uint32) uint32 {
	stat, err := os.ReadFile("/proc/" + strconv.FormatUint(uint64(pid), 10) + "/stat")
	if err != nil {
		return 0
	}
	name := bytes.LastIndexByte(stat, ')') // the second field is the program's name, in parentheses, and may have blanks
	fields := bytes.Fields(stat[name+1:])
	const startTime = 22 - 3 // the first field behind the name is the third
	if len(fields) <= startTime {
		return 0
	}
	ticks, err := strconv.ParseUint(string(fields[startTime]), 10, 64)
	if err != nil {
		return 0
	}
	return uint32(ticks)
}
