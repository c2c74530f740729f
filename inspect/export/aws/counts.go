package aws

import "time"

// Tally is an amount of files. Records are those in them; of files that were found and not announced only what
// UploadConfig.Records says.
type Tally struct{ Files, Bytes, Records uint64 }

func (t *Tally) add(o Tally) {
	t.Files += o.Files
	t.Bytes += o.Bytes
	t.Records += o.Records
}

func (t *Tally) sub(o Tally) {
	t.Files -= o.Files
	t.Bytes -= o.Bytes
	t.Records -= o.Records
}

// Counts are what became of the files of an output, since its start. At all times what is spooled is delivered, dropped or
// waiting; of records also rejected. Those of several outputs are added up with Add.
type Counts struct {
	Spooled   Tally           // taken: finished, or found at the start
	Delivered Tally           // AWS has said that it has them
	Dropped   Tally           // past the bound, replaced by another of the same name, or removed by others
	Rejected  uint64          // records that AWS or its limits refused, in files that were delivered
	Unspooled uint64          // records that never came so far, since the spool could not be written
	Failures  [Classes]uint64 // deliveries that failed; each is tried again

	Waiting   Tally         // gauge: in the spool
	OldestAge time.Duration // gauge: of what waits
}

// Add adds o to c. The age is the greater one.
func (c *Counts) Add(o *Counts) {
	c.Spooled.add(o.Spooled)
	c.Delivered.add(o.Delivered)
	c.Dropped.add(o.Dropped)
	c.Rejected += o.Rejected
	c.Unspooled += o.Unspooled
	for i := range o.Failures {
		c.Failures[i] += o.Failures[i]
	}
	c.Waiting.add(o.Waiting)
	c.OldestAge = max(c.OldestAge, o.OldestAge)
}
