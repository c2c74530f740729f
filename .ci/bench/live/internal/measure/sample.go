package measure

import (
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/metrics"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/reader"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/wire"
)

// A sample is the counters at one time.
type sample struct {
	at           time.Time
	napi, reader int64 // CPU time, ns
	arrived      float64
	output       string // of the reader so far
	metrics.Counts
}

func takeSample(w *wire.Wire, p *reader.Process) (m sample, err error) {
	if m.Counts, err = metrics.Get(); err != nil {
		return m, err
	}
	m.at, m.output = time.Now(), p.Lines()
	if m.napi, err = w.ThreadNanos(); err != nil {
		return m, err
	}
	if m.reader, err = p.CPUNanos(); err != nil {
		return m, err
	}
	m.arrived, err = w.Arrived()
	return m, err
}

// identity checks that every packet that arrived was received or counted as dropped, and that every received packet has a reason.
// Packets that were sent and did not arrive are not checked: the wire drops packets when the kernel's thread is behind.
func identity(m sample, base float64, sent uint64) error {
	arrived := m.arrived - base
	switch {
	case m.Received+m.Drops != arrived:
		return fmt.Errorf("%.0f packets arrived, but %.0f were received and %.0f dropped", arrived, m.Received, m.Drops)
	case m.HasReasons && m.Reasons != m.Received:
		return fmt.Errorf("%.0f packets were received, but %.0f have a reason", m.Received, m.Reasons)
	case arrived == 0 || arrived > float64(sent):
		return fmt.Errorf("%.0f packets arrived of %d that were sent", arrived, sent)
	}
	return nil
}
