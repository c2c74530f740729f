package parallel

import "github.com/mirrorsink/mirrorsink/inspect/flow"

// flowState is what the merger knows of a flow. Of the record it has the key, the start, the client, the name and the paired session.
type flowState struct {
	flow.Record
	pairedIn     uint32 // the window in which Paired changed last
	pairedBefore uint16 // Paired before that window
}

// pair sets the session of the other copies of the flow's packets.
func (s *flowState) pair(session uint16, window uint32) {
	if s.Paired != session && s.pairedIn != window {
		s.pairedBefore, s.pairedIn = s.Paired, window
	}
	s.Paired = session
}

// flowStates are the states of the flows of all workers. Their numbers interleave those of the workers' records.
type flowStates [][]flowState // by worker and the record's number

// newFlowStates makes room beside the workers' tables, outside the Go heap. As there, it takes memory only for what is used.
func newFlowStates(workers []*worker) flowStates {
	s := make(flowStates, len(workers))
	for i, w := range workers {
		s[i] = flow.Beside[flowState](w.tracker.Flows())
	}
	return s
}

// number returns the number of a worker's record. Tables have less than 2^32 records in all.
func (s flowStates) number(worker int, ref uint32) uint32 { return ref*uint32(len(s)) + uint32(worker) }

// state returns the state of a number, an empty one if there was none. It stays where it is.
func (s flowStates) state(number uint32) *flowState {
	workers := uint32(len(s))
	return &s[number%workers][number/workers]
}

// At implements inspect.Flows.
func (s flowStates) At(number uint32) *flow.Record { return &s.state(number).Record }
