package spool

import "time"

// Amount is an amount of files. Records is the number of records in them; in files that were found at the start, as counted by
// Config.Records.
type Amount struct{ Files, Bytes, Records uint64 }

func (t *Amount) add(o Amount) {
	t.Files += o.Files
	t.Bytes += o.Bytes
	t.Records += o.Records
}

func (t *Amount) sub(o Amount) {
	t.Files -= o.Files
	t.Bytes -= o.Bytes
	t.Records -= o.Records
}

// Counts has the outcome of an output's files since its start. At all times Spooled is the sum of Delivered, Dropped, Waiting and, for
// records, Rejected. Add adds up the counts of several outputs.
type Counts struct {
	Spooled   Amount          // finished, or found at the start
	Delivered Amount          // confirmed by AWS
	Dropped   Amount          // past the bound, replaced by another of the same name, or removed by others
	Rejected  uint64          // records that AWS or its limits refused, in files that were delivered
	Unspooled uint64          // records that were lost because the spool could not be written
	Failures  [Classes]uint64 // failed deliveries; each is retried

	Waiting   Amount        // gauge: in the spool
	OldestAge time.Duration // gauge: of the files that wait
}

// Add adds o to c. The sum has the greater age.
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
