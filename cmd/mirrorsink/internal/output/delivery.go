package output

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// Delivery is an output behind which AWS is. Its Close brings events as far as the spool on the local disk, which is quick;
// Deliver brings the spool to AWS, which may take any time.
type Delivery interface {
	Output
	// Deliver delivers the spool until ctx ends. The error has the files that stay for the next start, and the reason. It is called once,
	// after Close.
	Deliver(ctx context.Context) error
	// Delivered returns where to, and what became of the files in the spool so far.
	Delivered() (Service, spool.Counts)
	// Trouble returns where to in full, and why the last delivery failed, nil if it did not.
	Trouble() (to string, why error)
}

// Service is a service of AWS that takes records.
type Service uint8

const (
	S3 Service = iota
	CloudWatch
	Services
)

var serviceNames = [Services]string{S3: "s3", CloudWatch: "cloudwatch"}

// String returns the destination's name, as metrics show it.
func (d Service) String() string { return serviceNames[d] }

// Waiting returns how many bytes wait for AWS.
func Waiting(all []Output) (bytes uint64) {
	for _, out := range all {
		if d, ok := out.(Delivery); ok {
			_, c := d.Delivered()
			bytes += c.Waiting.Bytes
		}
	}
	return bytes
}

// Undelivered returns, for each destination for which files wait, how many do and why.
func Undelivered(all []Output) (parts []string) {
	for _, out := range all {
		if d, ok := out.(Delivery); ok {
			_, c := d.Delivered()
			to, why := d.Trouble()
			parts = appendWaiting(parts, c.Waiting.Files, "files", to, why)
		}
	}
	return parts
}

// appendWaiting appends how many things wait for a destination, and why, if any do.
func appendWaiting(parts []string, n uint64, what, to string, why error) []string {
	switch {
	case n == 0:
		return parts
	case why != nil:
		return append(parts, fmt.Sprintf("%d %s for %s (%v)", n, what, to, why))
	default:
		return append(parts, fmt.Sprintf("%d %s for %s", n, what, to))
	}
}

// DeliverAll delivers to all destinations concurrently, so that none waits for one that is unreachable.
func DeliverAll(ctx context.Context, all []Output) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, out := range all {
		if d, ok := out.(Delivery); ok {
			wg.Go(func() { errs[i] = d.Deliver(ctx) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}
