package capture

import "time"

// Bounds of times that are believed. Captures have silent hours, are merged, and their clocks are set. A step in time alone proves nothing, and
// the frames that follow decide.
const (
	// maxStep is how much later than all others a frame may be without a look at the frames that follow: longer than any timeout of a flow,
	// so that nothing ends too early by a smaller error.
	maxStep = int64(time.Hour)
	// maxLastStep is for a step into the past, which ends nothing, and for one that no frame follows: merged captures are days apart,
	// and clocks that were never set are years off.
	maxLastStep = int64(366 * 24 * time.Hour)
	// confirmations is how many frames near a new time make it the time. A stream waits for them.
	confirmations = 3
	// maxAhead is how many bytes behind a frame are searched for times.
	maxAhead = windowLen
	// minFirst and maxFromNow bound the first frame's time that is believed without a look at others: since 1990, and up to a day from now.
	minFirst   = int64(20*365*24) * int64(time.Hour)
	maxFromNow = int64(24 * time.Hour)

	noTime      = -1 // of a record without a time
	wholeRecord = 0  // no more bytes are needed
)

// A timeline replaces times that cannot be right: of at most confirmations frames in a row that are later than the frames around them by
// more than maxStep, or earlier by more than maxLastStep. Such a frame takes the latest time before it, since a clock that only moves
// forward would end every flow. What follows a frame is looked at before the frame is returned, so the result does not depend on how
// the bytes come.
type timeline struct {
	now      int64 // the latest time so far, or what frames agreed on after it
	started  bool  // there was a frame
	waiting  bool  // a frame waits for bytes behind it
	timeless bool  // no time was found for a frame without one
	final    bool  // no more bytes come
}

// A peeker knows the times of records that were not read yet.
type peeker interface {
	// peek returns the time and the size of the record at the front of b, without using it up. The time is noTime if the record has none.
	// An incomplete record has the size 0, and needs need bytes. Both are 0 if it cannot be told what follows.
	peek(b []byte) (nanos int64, size, need int)
}

// place returns the time of a frame that states nanos, and that b follows. A need other than wholeRecord is how many bytes must be in b to
// know.
func (t *timeline) place(nanos int64, p peeker, b []byte) (at int64, need int) {
	if step := nanos - t.now; t.started && -maxStep <= step && step <= maxStep {
		t.now = max(t.now, nanos)
		return nanos, wholeRecord
	}
	at = nanos
	if t.started || nanos < minFirst || nanos > time.Now().UnixNano()+maxFromNow {
		at, need = t.judge(nanos, p, b)
	} else {
		t.now = nanos
	}
	t.waiting = need != wholeRecord
	t.started = t.started || !t.waiting
	return at, need
}

// judge looks at the frames that follow: enough near the same time confirm it.
func (t *timeline) judge(nanos int64, p peeker, b []byte) (at int64, need int) {
	agree, used := 0, 0
	for agree < confirmations {
		next, size, more := p.peek(b[used:])
		switch {
		case t.mayWait(size, more, used):
			return 0, used + more
		case size == 0 || used > maxAhead:
			return t.unconfirmed(nanos, agree), wholeRecord
		case next == noTime:
		case apart(next, nanos) <= maxStep:
			agree++
		default:
			return t.left(nanos, next), wholeRecord
		}
		used += size
	}
	t.now = nanos
	return nanos, wholeRecord
}

// mayWait reports whether the next record is incomplete, and the rest of it may come and is close enough.
func (t *timeline) mayWait(size, more, used int) bool {
	return size == 0 && more > 0 && !t.final && used+more <= maxAhead
}

// left returns the time of a frame after which too few frames agree until one states next.
func (t *timeline) left(nanos, next int64) int64 {
	switch {
	case !t.started && (next < nanos || next-nanos > maxLastStep):
		t.now = next
		return next
	case !t.started || nanos > t.now && next > nanos:
		t.now = nanos
		return nanos
	case nanos > t.now || t.now-nanos > maxLastStep && apart(next, t.now) <= maxStep:
		return t.now
	}
	return nanos
}

// unconfirmed returns the time of a frame that agree frames follow until the capture ends.
func (t *timeline) unconfirmed(nanos int64, agree int) int64 {
	if t.started && agree == 0 && apart(nanos, t.now) > maxLastStep {
		return t.now
	}
	t.now = max(t.now, nanos)
	return nanos
}

// untimed returns the time of a frame that states none, and that b follows: the latest before it, or else that of the next frame with one.
func (t *timeline) untimed(p peeker, b []byte) (at int64, need int) {
	for used := 0; !t.started && !t.timeless; {
		next, size, more := p.peek(b[used:])
		switch {
		case t.mayWait(size, more, used):
			t.waiting = true
			return 0, used + more
		case size == 0 || used > maxAhead:
			t.timeless = true
		case next != noTime:
			t.now, t.started = next, true
		}
		used += size
	}
	t.waiting = false
	return t.now, wholeRecord
}

// end notes that no more bytes come, and reports whether a frame waits for them.
func (t *timeline) end() bool {
	waits := t.waiting && !t.final
	t.final = true
	return waits
}

// apart returns the distance of two times.
func apart(a, b int64) int64 { return max(a-b, b-a) }
