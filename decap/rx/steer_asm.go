package rx

import "golang.org/x/net/bpf"

// label names a place in a program; jumps to it may come before it is placed.
type label int

// assembler collects classic BPF instructions and gives jumps their distances.
type assembler struct {
	code   []bpf.Instruction
	places []int         // of each label, as an index of code
	jumps  map[int]label // the unconditional jumps in code that wait for their distance
}

func (a *assembler) emit(code ...bpf.Instruction) { a.code = append(a.code, code...) }

// newLabel returns a label that is not yet placed.
func (a *assembler) newLabel() label {
	a.places = append(a.places, 0)
	return label(len(a.places) - 1)
}

// place puts l before the next instruction. Classic BPF knows no jump back, so all jumps to l come earlier.
func (a *assembler) place(l label) { a.places[l] = len(a.code) }

func (a *assembler) jump(to label) {
	if a.jumps == nil {
		a.jumps = make(map[int]label)
	}
	a.jumps[len(a.code)] = to
	a.emit(bpf.Jump{})
}

// jumpIf jumps if the A register compares so with k. It is a conditional skip over an unconditional jump, since a
// conditional jump reaches only 255 instructions far.
func (a *assembler) jumpIf(cond bpf.JumpTest, k uint32, to label) {
	a.emit(bpf.JumpIf{Cond: cond, Val: k, SkipFalse: 1})
	a.jump(to)
}

// jumpIfX is jumpIf with the X register to compare with.
func (a *assembler) jumpIfX(cond bpf.JumpTest, to label) {
	a.emit(bpf.JumpIfX{Cond: cond, SkipFalse: 1})
	a.jump(to)
}

// program returns the code. All labels must have been placed.
func (a *assembler) program() []bpf.Instruction {
	for at, to := range a.jumps {
		a.code[at] = bpf.Jump{Skip: uint32(a.places[to] - at - 1)}
	}
	return a.code
}
