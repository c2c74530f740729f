package command

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/host"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/sink"
)

// listenOptions are the flags of listen.
type listenOptions struct{ sink.ListenConfig }

const listenHelp = `Receives the copies that VPC Traffic Mirroring sends: VXLAN on UDP 4789, and VXLAN in GENEVE on UDP 6081 behind a Gateway
Load Balancer endpoint. Events go to standard output, logs to standard error, counters to /metrics.

On SIGTERM or SIGINT /readyz fails, receiving continues for --drain, then every open flow is written as an event and the
program ends. A second signal ends it at once. On SIGHUP event files are reopened, and the inventory and the policy are read again.
systemd, if it started the program, is notified when it is ready, that it is alive, and when it stops.

With --inventory events name the interface, instance, VPC, subnet and account of their mirror session. The inventory is a file of
"sessions inventory", or is read from EC2 with the credentials and region of the AWS CLI. If a refresh fails the old inventory
is kept.

With --lifecycle the end comes with that of the instance: when its Auto Scaling group terminates it, or EC2 takes a spot instance back, what
a signal does is done, and the group waits for it.

With --policy events and records have the verdict of an egress policy, and --alert sends its alerts. See "mirrorsink help policy-file".

Every flag is also a key of the file of --config; see "mirrorsink help config".`

func newListen() *cobra.Command {
	opts := defaultListenOptions()
	config := ""
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive mirrored traffic and write events",
		Long:  listenHelp,
		Example: `  mirrorsink listen --health :8080 --eve /var/log/mirrorsink/eve.json
  mirrorsink listen --inventory ec2 --inventory-refresh 5m
  mirrorsink listen --policy policy.yaml --alert eve --inventory ec2
  mirrorsink listen --source ring:eth0 --tc-drop --cpus 2-5
  mirrorsink listen --allow-source 10.0.0.0/8 --allow-vni 100-199`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config != "" {
				if err := flags.LoadConfig(config, cmd.Flags()); err != nil {
					return err
				}
			}
			given := cmd.Flags().Changed
			opts.setWorkers(given("workers"))
			if err := opts.check(given); err != nil {
				return err
			}
			if !opts.Forward.To.OnStdout() {
				opts.Outputs.OrStdout()
			}
			return sink.Listen(cmd.Context(), &opts.ListenConfig, cmd.ErrOrStderr())
		},
	}
	opts.addTo(cmd.Flags())
	flags.In(cmd.Flags(), flags.Common).String(&config, flags.ConfigFlag, "FILE", "read flags from a YAML file; see \"help config\"")
	flags.Promote(cmd.Flags(), flags.ConfigFlag, "listen", "eve", "flowlog", "parquet", "policy", "inventory", "forward", "memory", "metrics", "health")
	return cmd
}

func defaultListenOptions() *listenOptions { return &listenOptions{*sink.DefaultListenConfig()} }

func (o *listenOptions) addTo(f *pflag.FlagSet) {
	_ = o.Listen.Set("0.0.0.0:4789")
	_ = o.Metrics.Set("127.0.0.1:9478")
	g := flags.In(f, flags.Receiving)
	g.Var(&o.Listen, "listen", "ADDRESS", "receive VXLAN on this UDP address, or off")
	g.Var(&o.GENEVE, "geneve", "ADDRESS", "receive GENEVE on this UDP address, such as :6081, or off")
	g.Var(&o.Source, "source", "SOURCE", "read from sockets (udp), or from a network interface before the network stack (ring:IFACE, needs CAP_NET_RAW)")
	g.Bool(&o.TCDrop, "tc-drop", "have tc drop packets that a ring has read, so that the network stack does not process them too (needs CAP_NET_ADMIN)")
	g.Var(&o.ReceiveBuffer, "receive-buffer", "SIZE", "receive buffer of each socket, or size of each ring")
	g.Int(&o.Workers, "workers", "N", "number of sockets and threads that share the traffic; by default one a core, or one for each of --cpus")
	g.Var(&o.CPUs, "cpus", "CPUS", "pin each worker's thread to one of these CPUs, in turn: N or A-B (repeatable)")
	g.Duration(&o.Drain, "drain", "continue to receive for this long after SIGTERM or an end by --lifecycle, while a load balancer drains (with --lifecycle by default the hook's timeout less --deadline)")
	o.Allow.AddTo(f)
	o.Outputs.AddTo(f)
	o.Policy.AddTo(f)
	o.Inventory.AddTo(f)
	o.Inventory.AddRefreshTo(f)
	o.Forward.AddTo(f)
	o.Lifecycle.AddTo(f)
	g = flags.In(f, flags.Limits)
	g.Var(&o.Memory, "memory", "SIZE", "maximum memory of all tables and queues together; receive slots add 4 MiB for each worker")
	g.Duration(&o.Deadline, "deadline", "stop writing events this long after the last datagram was read")
	g = flags.In(f, flags.Serving)
	g.Var(&o.Metrics, "metrics", "ADDRESS", "serve /metrics on this TCP address, or off")
	g.Var(&o.Health, "health", "ADDRESS", "serve /livez and /readyz on this TCP address, or off")
	g.Duration(&o.StatsInterval, "stats-interval", "write the counters as an event this often; 0 for never")
	g.Level(&o.LogLevel, "log-level", "log messages of at least this level: debug, info, warn or error")
}

// setWorkers chooses the number of workers unless it was set.
func (o *listenOptions) setWorkers(asked bool) {
	if !asked && len(o.CPUs) > 0 {
		o.Workers = len(o.CPUs)
	}
}

// check reports options that are invalid, alone or together. given reports which flags were set, on the command line or in the
// configuration.
func (o *listenOptions) check(given func(flag string) bool) error {
	o.DrainGiven = given("drain")
	if err := o.checkReceiving(); err != nil {
		return err
	}
	if err := o.Inventory.Check(); err != nil {
		return err
	}
	if o.Inventory.From == "" && given("inventory-refresh") {
		return flags.Usagef("--inventory-refresh does nothing without --inventory")
	}
	if err := o.Policy.Check(); err != nil {
		return err
	}
	o.Outputs.Judged = o.Policy.Enabled()
	if err := o.Outputs.Check(given); err != nil {
		return err
	}
	if err := o.Forward.Check(given, o.Outputs.OnStdout()); err != nil {
		return err
	}
	if err := o.Forward.To.CheckLoop(o.Listen); err != nil {
		return err
	}
	return sink.CheckMemory(o.Memory, o.Workers)
}

// checkReceiving reports invalid options of sockets, rings, workers and times.
func (o *listenOptions) checkReceiving() error {
	switch {
	case !o.Listen.IsValid() && !o.GENEVE.IsValid():
		return flags.Usagef("nothing to receive on: --listen and --geneve are off")
	case o.TCDrop && o.Source.Ring == "":
		return flags.Usagef("--tc-drop: there is nothing to drop behind without --source ring:IFACE")
	case o.Workers < 1:
		return flags.Usagef("--workers %d: want at least 1", o.Workers)
	case o.Workers < len(o.CPUs):
		return flags.Usagef("--workers %d: --cpus %v has %d CPUs, and each wants a worker", o.Workers, &o.CPUs, len(o.CPUs))
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"drain", o.Drain}, {"deadline", o.Deadline}, {"stats-interval", o.StatsInterval}} {
		if d.value < 0 {
			return flags.Usagef("--%s %v: cannot be negative", d.flag, d.value)
		}
	}
	return host.CheckCPUs(o.CPUs)
}
