package aws

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/mirrorsink/mirrorsink/inspect/export/awserror"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// dispatch sends the lines of segments to their streams, one segment at a time. It keeps its position in a segment after a failure,
// so that few lines are sent twice.
type dispatch struct {
	*Client
	group    string
	create   bool
	parallel int
	log      *slog.Logger

	key     string // of the segment
	streams []*streamLines
	refused atomic.Uint64 // lines of the segment
	warned  atomic.Bool   // refused lines were logged
}

// deliver sends the remaining lines of a segment: its streams concurrently, each stream in order.
func (d *dispatch) deliver(ctx context.Context, f *spool.File) (refused uint64, err error) {
	if d.key != f.Key {
		if err := d.open(f); err != nil {
			return 0, err
		}
	}
	work := make(chan *streamLines)
	errs := make([]error, d.parallel)
	var workers sync.WaitGroup
	for i := range errs {
		workers.Go(func() {
			for s := range work {
				if errs[i] == nil {
					errs[i] = d.send(ctx, s)
				}
			}
		})
	}
	for _, s := range d.streams {
		work <- s
	}
	close(work)
	workers.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, awserror.Explain(firstOf(errs), d.region)
	}
	d.key, d.streams = "", nil
	return d.refused.Load(), nil
}

func (d *dispatch) open(f *spool.File) error {
	text, err := f.Read()
	if err != nil {
		return err
	}
	streams, refused := read(text)
	d.key, d.streams = f.Key, streams
	d.refused.Store(0)
	d.refuse(refused, "too long, empty or damaged")
	return nil
}

// send sends a stream's lines, and removes those that were delivered.
func (d *dispatch) send(ctx context.Context, s *streamLines) error {
	for len(s.events) > 0 {
		n := batch(s.events)
		out, err := d.put(ctx, s.name, s.events[:n])
		switch {
		case err == nil:
			d.refuse(uint64(rejected(out.RejectedLogEventsInfo, n)), "older than 14 days or the group's retention, or of the future")
		case awserror.Is(err, "InvalidParameterException"):
			d.refuse(uint64(n), awserror.Explain(err, d.region).Error()) // a retry would fail too
		case !awserror.Is(err, "DataAlreadyAcceptedException"):
			return err
		}
		s.events = s.events[n:]
	}
	return nil
}

// put sends a batch, and creates the stream if it does not exist.
func (d *dispatch) put(ctx context.Context, stream string, events []types.InputLogEvent) (*cloudwatchlogs.PutLogEventsOutput, error) {
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &d.group, LogStreamName: &stream, LogEvents: events}
	out, err := d.logs.PutLogEvents(ctx, in)
	if !awserror.Is(err, "ResourceNotFoundException") {
		return out, err
	}
	if err := d.createStream(ctx, stream); err != nil {
		return nil, err
	}
	return d.logs.PutLogEvents(ctx, in)
}

func (d *dispatch) createStream(ctx context.Context, stream string) error {
	in := &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &d.group, LogStreamName: &stream}
	_, err := d.logs.CreateLogStream(ctx, in)
	if d.create && awserror.Is(err, "ResourceNotFoundException") {
		_, err = d.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &d.group})
		if err == nil || exists(err) {
			_, err = d.logs.CreateLogStream(ctx, in)
		}
	}
	if exists(err) {
		return nil // another machine created it
	}
	return err
}

func exists(err error) bool { return awserror.Is(err, "ResourceAlreadyExistsException") }

// refuse counts lines that AWS refuses, and logs the first ones.
func (d *dispatch) refuse(n uint64, why string) {
	d.refused.Add(n)
	if n > 0 && d.warned.CompareAndSwap(false, true) {
		d.log.Warn("lines are refused, and counted from now on", "log group", d.group, "lines", n, "why", why)
	}
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
