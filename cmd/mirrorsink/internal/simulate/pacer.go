package simulate

import (
	"context"
	"time"
)

// Pacer computes when each frame of a capture is due.
type Pacer struct {
	Speed float64 // how many times as fast as recorded; 0 for at once
	rate  float64 // frames a second, instead, unless 0

	begun time.Time // when the capture began to be played
	first int64     // the first frame's time
	n     int64     // frames so far
}

// begin starts a capture.
func (p *Pacer) begin() { p.begun, p.n = time.Now(), 0 }

// slack is how early a frame may be: a timer takes about so long, and frames come in bunches anyway.
const slack = time.Millisecond

// wait waits until a frame with this time is due. It returns false if ctx ended before that.
func (p *Pacer) wait(ctx context.Context, nanos int64) bool {
	if p.n == 0 {
		p.first = nanos
	}
	early := time.Until(p.begun.Add(p.due(nanos)))
	p.n++
	if early < slack {
		return ctx.Err() == nil
	}
	t := time.NewTimer(early)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// due returns when a frame is due, after the beginning.
func (p *Pacer) due(nanos int64) time.Duration {
	switch {
	case p.rate > 0:
		return time.Duration(float64(p.n) / p.rate * float64(time.Second))
	case p.Speed > 0:
		return time.Duration(float64(nanos-p.first) / p.Speed)
	default:
		return 0
	}
}
