package main

import (
	"log/slog"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// listenOptions are the flags of listen.
type listenOptions struct {
	listen, geneve  address
	source          liveSource
	tcDrop          bool
	workers         int
	cpus            cpuList
	receiveBuffer   byteSize
	memory          byteSize
	allow           allowOptions
	inventory       inventoryOptions
	outputs         outputs
	forward         forwardOptions
	statsInterval   time.Duration
	metrics, health address
	drain, deadline time.Duration
	logLevel        slog.Level
}

const listenHelp = `Receives what VPC Traffic Mirroring sends: VXLAN on UDP 4789, and VXLAN within GENEVE on UDP 6081 behind a Gateway Load
Balancer endpoint. Events go to standard output, logs to standard error, counters to /metrics.

On SIGTERM or SIGINT /readyz fails, reading goes on for --drain, then every open flow is written as an event and the
program ends. A second signal ends it at once. On SIGHUP event files are reopened, and the inventory is read again.

With --inventory events say which interface, instance, VPC, subnet and account a mirror session is of: as a file of "sessions
inventory" has it, or as EC2 tells it, with the credentials and region that the AWS CLI would find. If it cannot be refreshed
later the old one stays.

Every flag can stand in the file of --config, as YAML under its name: "receive-buffer: 64MiB", "allow-vni: [7, 100-199]".
A flag of the command line takes the place of one of the file.`

func newListen() *cobra.Command {
	opts := defaultListenOptions()
	config := ""
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive mirrored traffic and write events",
		Long:  listenHelp,
		Example: `  mirrorsink listen --health :8080 --eve /var/log/mirrorsink/eve.json
  mirrorsink listen --inventory ec2 --inventory-refresh 5m
  mirrorsink listen --source ring:eth0 --tc-drop --cpus 2-5
  mirrorsink listen --allow-source 10.0.0.0/8 --allow-vni 100-199`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config != "" {
				if err := loadConfig(config, cmd.Flags()); err != nil {
					return err
				}
			}
			given := cmd.Flags().Changed
			opts.crew(given("workers"))
			if err := opts.check(given); err != nil {
				return err
			}
			if !opts.forward.to.onStdout() {
				opts.outputs.orStdout()
			}
			return listen(cmd, opts)
		},
	}
	opts.addTo(cmd.Flags())
	opts.forward.completeOn(cmd)
	cmd.Flags().StringVar(&config, configFlag, "", "read flags from a YAML `file`")
	return cmd
}

func defaultListenOptions() *listenOptions {
	return &listenOptions{
		workers:       runtime.GOMAXPROCS(0),
		receiveBuffer: 16 * miB,
		memory:        defaultMemory,
		statsInterval: 10 * time.Second,
		deadline:      10 * time.Second,
	}
}

func (o *listenOptions) addTo(f *pflag.FlagSet) {
	_ = o.listen.Set("0.0.0.0:4789")
	_ = o.metrics.Set("127.0.0.1:9478")
	f.Var(&o.listen, "listen", "receive VXLAN on this UDP address")
	f.Var(&o.geneve, "geneve", "receive GENEVE on this UDP address, such as :6081")
	f.Var(&o.source, "source", "read with sockets (udp), or from an interface before the network stack (ring:IFACE, with CAP_NET_RAW)")
	f.BoolVar(&o.tcDrop, "tc-drop", false, "have tc drop what a ring has read, so that the network stack does not work on it too (with CAP_NET_ADMIN)")
	f.IntVar(&o.workers, "workers", o.workers, "`number` of sockets and threads that share the traffic; by default one a core, or one for each of --cpus")
	f.Var(&o.cpus, "cpus", "keep each worker's thread to one of these CPUs, in turn: N or A-B (repeatable)")
	f.Var(&o.receiveBuffer, "receive-buffer", "receive buffer of each socket, or size of each ring")
	f.Var(&o.memory, "memory", "bound of all tables and queues together; receive slots add 4 MiB for each worker")
	o.inventory.addTo(f)
	o.inventory.addRefreshTo(f)
	o.outputs.addTo(f)
	f.DurationVar(&o.statsInterval, "stats-interval", o.statsInterval, "write the counters as an event this often; 0 for never")
	f.Var(&o.metrics, "metrics", "serve /metrics on this TCP address, or off")
	f.Var(&o.health, "health", "serve /livez and /readyz on this TCP address, or off")
	f.DurationVar(&o.drain, "drain", o.drain, "go on reading for this long after SIGTERM, while a load balancer drains")
	f.DurationVar(&o.deadline, "deadline", o.deadline, "give up writing events this long after the last datagram was read")
	f.TextVar(&o.logLevel, "log-level", o.logLevel, "log what is at least of this `level`: debug, info, warn or error")
	o.allow.addTo(f)
	o.forward.addTo(f)
}

// crew chooses the number of workers if nobody asked for one.
func (o *listenOptions) crew(asked bool) {
	if !asked && len(o.cpus) > 0 {
		o.workers = len(o.cpus)
	}
}

// check says which options cannot be. given says which flags were, on the command line or in the configuration.
func (o *listenOptions) check(given func(flag string) bool) error {
	if err := o.checkReceiving(); err != nil {
		return err
	}
	if err := o.inventory.check(); err != nil {
		return err
	}
	if o.inventory.from == "" && given("inventory-refresh") {
		return usagef("--inventory-refresh does nothing without --inventory")
	}
	if err := o.outputs.check(given); err != nil {
		return err
	}
	if err := o.forward.check(given, &o.outputs); err != nil {
		return err
	}
	if err := o.forward.to.checkLoop(o.listen); err != nil {
		return err
	}
	return checkMemory(o.memory, o.workers)
}

// checkReceiving says what of sockets, rings, workers and times cannot be.
func (o *listenOptions) checkReceiving() error {
	switch {
	case !o.listen.IsValid() && !o.geneve.IsValid():
		return usagef("nothing to receive on: --listen and --geneve are off")
	case o.tcDrop && o.source.ring == "":
		return usagef("--tc-drop: there is nothing to drop behind without --source ring:IFACE")
	case o.workers < 1:
		return usagef("--workers %d: there must be one at least", o.workers)
	case o.workers < len(o.cpus):
		return usagef("--workers %d: --cpus %v has %d CPUs, and each wants a worker", o.workers, &o.cpus, len(o.cpus))
	case o.drain < 0 || o.deadline < 0 || o.statsInterval < 0:
		return usagef("--drain, --deadline and --stats-interval cannot be negative")
	}
	return o.cpus.check()
}

// listen is the command: it opens everything, receives until the command's context ends, and says what it came to.
func listen(cmd *cobra.Command, opts *listenOptions) error {
	stderr := cmd.ErrOrStderr()
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: opts.logLevel}))
	defer limitHeap(opts.memory)()
	inventory, err := opts.inventory.open(cmd.Context(), log)
	if err != nil {
		return err
	}
	if err := removeStaleDrops(opts, log); err != nil {
		return err
	}
	l, err := openListener(cmd.Context(), opts, inventory, log)
	if err != nil {
		return err
	}
	defer l.closeServers()
	err = l.run(cmd.Context())
	s := l.snapshot()
	s.print(stderr)
	return err
}
