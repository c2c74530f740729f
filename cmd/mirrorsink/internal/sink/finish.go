package sink

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
)

// finish writes all that a replay has left, and delivers it for as long as that gets anywhere. When ctx ends, by an interrupt, the
// delivery does too; an interrupt that came before ended the reading, and the next one finds no handler and ends the program.
func (p *pipeline) finish(ctx context.Context, stderr io.Writer) error {
	if ctx.Err() != nil {
		ctx = context.Background()
	}
	_, err := p.write(context.Background())
	stop := p.reportDelay(stderr, reportAfter)
	defer stop()
	if left := p.deliver(ctx); err == nil {
		err = left
	}
	return err
}

// reportAfter is how long a delivery may take before it is reported. A normal delivery is faster.
const reportAfter = 3 * time.Second

// reportDelay prints once, after a while, what AWS and the receivers of alerts have not accepted yet. The returned function cancels it.
func (p *pipeline) reportDelay(w io.Writer, after time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var teller sync.WaitGroup
	teller.Go(func() {
		select {
		case <-ctx.Done():
		case <-time.After(after):
			if what := p.undelivered(); what != "" {
				fmt.Fprintf(w, "mirrorsink: waiting for the delivery of %s; an interrupt ends the wait, and they stay in the spool\n", what)
			}
		}
	})
	return func() { cancel(); teller.Wait() }
}

// undelivered returns, on one line, the number of files and alerts that wait for each destination, with the last error; "" if none wait.
func (p *pipeline) undelivered() string {
	return strings.Join(append(output.Undelivered(p.outs), p.alerts.Undelivered()...), " and ")
}
