// Package sink runs the program's data path: sources, workers, outputs and forwarding, for live traffic (Listen) and for captures (Replay),
// with metrics, health and the summary at the end. Flags and usage errors are not its concern.
package sink

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/forwarding"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/host"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/inventory"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/parallel"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/judge"
)

// pipelineConfig configures what is between the sources and the outputs.
type pipelineConfig struct {
	Decoder    decap.Decoder
	Memory     int        // bytes for all tables and queues: see shares
	Workers    int        // that share a single source, a capture; at most 1 for sources that share the traffic
	CPUs       flags.CPUs // to which workers keep, in turn; empty is for any
	Outputs    output.Options
	Forward    forwarding.Options   // the zero value is for none
	Block      bool                 // a full queue stops the reading, which a capture can bear, instead of dropping events
	Now        func() int64         // see inspect.Config
	Exempt     []netip.Prefix       // networks to which connections need no lookup
	Inventory  *inventory.Inventory // nil is for none
	Policy     *egress.Policy       // nil is for none
	Sinks      []inspect.Sink       // each gets every batch too
	Drops      func() uint64        // datagrams that sources lost so far; nil if they cannot
	Log        *slog.Logger
	ForwardLog *slog.Logger // for what becomes of targets; Log if nil
}

// source is what a worker reads from; closing it ends the worker.
type source interface {
	inspect.Source
	Close() error
}

// worker inspects what sources give: a worker of one source, or a parallel replay.
type worker interface {
	Run() error
	Counters() event.Counters
}

// pipeline is the way from sources through workers to the outputs: the same for live traffic and captures. It
// may serve several runs after each other, whose counters add up. Its methods are safe for concurrent use.
type pipeline struct {
	cfg     pipelineConfig
	outs    []output.Output
	finder  *finder // of alerts, the first of outs; nil if none are to be found
	alerts  *output.Alerts
	meter   alert.Meter
	forward *forwarding.Targets
	named   namedFlows
	sinks   []inspect.Sink
	start   time.Time
	known   *inspect.Shared

	mu      sync.Mutex // guards the following
	workers []worker
	peers   []*inspect.Peers
	ended   event.Counters // of the workers of earlier runs
}

// Parts of the memory: an eighth for the queues, all together, and a sixteenth for the answers of DNS that the workers learn
// together. The rest is for the workers, in equal parts; inspect.Share says what they do with it.
const (
	queueShare = 8
	dnsShare   = 16
	alertShare = 16 // of the part for queues, if alerts are sent
)

// openPipeline opens the outputs.
func openPipeline(ctx context.Context, cfg pipelineConfig) (*pipeline, error) {
	cfg.ForwardLog = cmp.Or(cfg.ForwardLog, cfg.Log)
	p := &pipeline{cfg: cfg, start: time.Now(), known: inspect.NewShared(cfg.Memory / dnsShare)}
	queues, alerts := cfg.Memory/queueShare, 0
	if cfg.Outputs.HasAlerts() {
		alerts = queues / alertShare
	}
	parts := cfg.Outputs.Count() + cfg.Forward.Captures()
	if p.findsAlerts() {
		parts++
	}
	queue := (queues - alerts) / max(1, parts)
	to := output.Config{Context: ctx, Bytes: queue * cfg.Outputs.Count(), Block: cfg.Block, Log: cfg.Log}
	if cfg.Inventory != nil {
		to.Record.Owners = cfg.Inventory.All
	}
	var err error
	if p.outs, err = cfg.Outputs.Open(to); err != nil {
		return nil, err
	}
	if p.alerts, err = cfg.Outputs.OpenAlerts(output.AlertsConfig{
		Context: ctx, Bytes: alerts, Block: cfg.Block, Meter: &p.meter, Received: p.received(), Log: cfg.Log,
	}); err != nil {
		output.Close(p.outs)
		return nil, err
	}
	if p.forward, err = forwarding.Open(&p.cfg.Forward, forwarding.Config{
		Queue: queue, Wait: cfg.Block, Inventory: cfg.Inventory, Log: cfg.ForwardLog,
	}); err != nil {
		output.Close(p.outs)
		p.alerts.Discard()
		return nil, err
	}
	if err := p.openFinder(to, queue); err != nil {
		output.Close(p.outs)
		p.alerts.Discard()
		return nil, errors.Join(err, p.forward.Close(ctx))
	}
	p.sinks = append(append(p.sinks, &p.named), cfg.Sinks...)
	for _, out := range p.outs {
		p.sinks = append(p.sinks, out)
	}
	return p, nil
}

// Events passes a batch to every output and sink, each of which releases it.
func (p *pipeline) Events(b *event.Batch) {
	for _, s := range p.sinks {
		b.Retain()
		s.Events(b)
	}
	b.Release()
}

// judged is a sink that judges the flows of a worker's events before they go on.
type judged struct {
	judge *judge.Judge
	next  inspect.Sink
}

// Events implements inspect.Sink.
func (j *judged) Events(b *event.Batch) {
	j.judge.Batch(b)
	j.next.Events(b)
}

// forWorker returns where a worker gives its events.
func (p *pipeline) forWorker() inspect.Sink {
	if p.cfg.Policy == nil {
		return p
	}
	return &judged{judge.New(p.cfg.Policy.Rules), p}
}

// run inspects what the sources give until all of them have ended, and closes them when ctx ends or one of them fails.
// The sources of a group divide the flows of one socket group among each other. It returns the first error of a source.
func (p *pipeline) run(ctx context.Context, groups ...[]source) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { closeAll(groups) })

	failed := make(chan error, 1)
	var wg sync.WaitGroup
	workers, err := p.startWorkers(groups)
	if err != nil {
		failed <- err
		cancel(err)
	}
	for i, w := range workers {
		wg.Go(func() {
			if err := p.work(i, w); err != nil {
				select {
				case failed <- err:
				default: // another one was first
				}
				cancel(err)
			}
		})
	}
	wg.Wait()
	if !stop() {
		closeAll(groups) // waits for the one under way: what a source has put into the kernel must be gone when the process is
	}
	left := p.stopWorkers()
	select {
	case err := <-failed:
		return err
	default:
		return left
	}
}

// work runs the n-th worker to its end. If it is to keep to a CPU it needs a goroutine that ends with it.
func (p *pipeline) work(n int, w worker) error {
	if len(p.cfg.CPUs) > 0 {
		if err := host.PinThread(p.cfg.CPUs.Of(n)); err != nil {
			return err
		}
	}
	return w.Run()
}

func closeAll(groups [][]source) {
	for _, group := range groups {
		for _, s := range group {
			s.Close()
		}
	}
}

// startWorkers makes a worker, or a parallel replay, for each source. After an error there is none.
func (p *pipeline) startWorkers(groups [][]source) ([]worker, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, group := range groups {
		n += len(group)
	}
	cfg := inspect.Config{
		Decoder: p.cfg.Decoder,
		Memory:  inspect.Share((p.cfg.Memory - reserved(p.cfg.Memory, p.finder != nil)) / n),
		Shared:  p.known,
		Exempt:  p.cfg.Exempt,
		Now:     p.cfg.Now,
		Lost:    p.lost,

		Interval: p.cfg.Outputs.Interval(),
		Judged:   p.cfg.Policy != nil,
		Activity: p.finder != nil,
	}
	if p.cfg.Inventory != nil {
		cfg.Owners = p.cfg.Inventory
	}
	for _, group := range groups {
		if p.cfg.Workers > 1 && len(group) == 1 {
			replay, err := parallel.New(cfg, p.cfg.Workers, group[0], p.forWorker())
			if err != nil {
				p.workers = nil
				return nil, err
			}
			p.workers = append(p.workers, replay)
			continue
		}
		peers := inspect.NewPeers(len(group))
		p.peers = append(p.peers, peers)
		for i, s := range group {
			cfg.Peer = peers.Of(i)
			var err error
			if cfg.Forward, err = p.forward.OpenWorker(); err != nil {
				p.workers = nil
				return nil, err
			}
			p.workers = append(p.workers, inspect.New(cfg, s, p.forWorker()))
		}
	}
	return p.workers, nil
}

// received returns what tells how much was received, nil if nothing is.
func (p *pipeline) received() func() output.Received {
	if p.cfg.Drops == nil {
		return nil
	}
	outs := p.outs
	return func() output.Received {
		c := p.counters()
		return output.Received{Packets: c.Datagrams, Bytes: c.Bytes, Drops: p.cfg.Drops(), Spool: output.Waiting(outs)}
	}
}

// lost returns how many copies were lost before a worker counted them.
func (p *pipeline) lost() (n uint64) {
	if p.cfg.Drops != nil {
		n = p.cfg.Drops()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, peers := range p.peers {
		n += peers.Dropped()
	}
	return n
}

// stopWorkers drops the workers, with their memory, and keeps their counts.
func (p *pipeline) stopWorkers() (err error) {
	err = p.forward.CloseWorkers()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.workers {
		c := w.Counters()
		p.ended.Add(&c)
	}
	p.workers = nil
	return err
}

// counters returns the counts of all workers, earlier runs included.
func (p *pipeline) counters() event.Counters {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := p.ended
	for _, w := range p.workers {
		c := w.Counters()
		sum.Add(&c)
	}
	return sum
}

// snapshot returns everything that is counted between sources and outputs. KernelDrops and Oversized are the sources'.
func (p *pipeline) snapshot() snapshot {
	s := snapshot{Named: p.named.n.Load(), Elapsed: time.Since(p.start)}
	s.Counters = p.counters()
	s.Uptime = int64(s.Elapsed.Seconds())
	s.DNS = p.known.DNS()
	if p.cfg.Inventory != nil {
		s.Inventory = p.cfg.Inventory.Count()
	}
	if p.cfg.Policy != nil {
		s.Policy = p.cfg.Policy.Count()
	}
	if p.finder != nil {
		s.Found = p.finder.feed.Counts()
	}
	s.Alerts, s.Metrics = p.alerts.Counts(), p.alerts.Metrics()
	s.Fixed, s.Targets, s.VLANs = p.forward.Fixed(), p.forward.Counts(), p.forward.VLANs()
	for _, out := range p.outs {
		c := out.Counts()
		s.Export.Add(&c)
		if d, ok := out.(output.Delivery); ok {
			to, c := d.Delivered()
			s.Delivered[to].Add(&c)
		}
		if r, ok := out.(output.Rotation); ok {
			lines, c := r.Rotated()
			s.Rotated[lines].Add(&c)
		}
	}
	tables := p.alerts.Delivered()
	s.Delivered[output.S3].Add(&tables)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, peers := range p.peers {
		s.HandoversDropped += peers.Dropped()
	}
	return s
}

// wait makes full queues wait for room from now on: nothing is received any more.
func (p *pipeline) wait() {
	for _, out := range p.outs {
		out.Wait()
	}
}

// reopen makes the outputs go on in new files.
func (p *pipeline) reopen() {
	for _, out := range p.outs {
		out.Reopen()
	}
}

// err returns the first error of an output.
func (p *pipeline) err() error {
	for _, out := range p.outs {
		if err := out.Err(); err != nil {
			return err
		}
	}
	return nil
}

// closeForward has the targets of forwarding write what is queued, until ctx ends.
func (p *pipeline) closeForward(ctx context.Context) error { return p.forward.Close(ctx) }

// framesDropped is how many frames targets of forwarding were too slow for, or not there for.
func (p *pipeline) framesDropped() (n uint64) {
	for _, t := range p.forward.Counts() {
		n += t.QueueFull + t.Unreachable
	}
	return n
}

// framesQueued is how many frames wait in queues for targets of forwarding.
func (p *pipeline) framesQueued() (n uint64) {
	for _, t := range p.forward.Counts() {
		n += t.Queued
	}
	return n
}

// close writes and delivers, until ctx ends.
func (p *pipeline) close(ctx context.Context) (lost uint64, err error) {
	lost, err = p.write(ctx)
	left := p.deliver(ctx)
	if err == nil {
		err = left
	}
	return lost, err
}

// write writes what is queued until ctx ends, and returns how many events it gave up then. An error is the first of an output,
// at any time. It is called once.
func (p *pipeline) write(ctx context.Context) (lost uint64, err error) {
	for _, out := range p.outs {
		n, closeErr := out.Close(ctx)
		lost += n
		if err == nil {
			err = closeErr
		}
	}
	if first := p.err(); first != nil {
		err = first
	}
	return lost, err
}

// deliver brings to AWS and to the receivers of alerts what write has left in the spool, until ctx ends; what stays there is not lost, and is the error. It is
// called once, after write.
func (p *pipeline) deliver(ctx context.Context) error {
	var alerts error
	var sending sync.WaitGroup
	sending.Go(func() { alerts = p.alerts.Close(ctx) })
	left := output.DeliverAll(ctx, p.outs)
	sending.Wait()
	left = errors.Join(left, alerts)
	if left != nil {
		p.cfg.Log.Warn("not all is delivered", "error", left)
	}
	return left
}
