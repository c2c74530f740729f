package command

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/host"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/sink"
	"github.com/mirrorsink/mirrorsink/sessions/aws"
	"github.com/mirrorsink/mirrorsink/sessions/doctor"
)

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	specOptions
	host      bool
	sourceMTU int
	needs     host.Needs
}

func newDoctor() *cobra.Command {
	opts := doctorOptions{sourceMTU: doctor.DefaultSourceMTU, needs: defaultHostNeeds()}
	cmd := &cobra.Command{
		Use:   "doctor [-f SPEC] [--host]",
		Short: "Check for lost packets, lost names and needless cost",
		Long: `Without -f it checks this machine: buffers, drops, MTU, the network card's allowances, the clock, memory. With -f it checks
the set-up that a spec of mirror sessions describes: whether copies reach the target, whether they are truncated, which traffic is
not mirrored, and whether IAM permits the calls of apply. --host checks both.

It changes nothing: EC2 is asked for permissions by DryRun. Each finding has its impact and a remedy. The exit status is 3 if there
is a finding.`,
		Example: `  mirrorsink doctor
  mirrorsink doctor -f mirror.yaml
  mirrorsink doctor -f mirror.yaml --host -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			return runDoctor(cmd, &opts)
		},
	}
	f := cmd.Flags()
	g := flags.In(f, flags.Common)
	g.String(&opts.file, "file,f", "FILE", "check the set-up that this spec, a YAML file, describes; - is standard input")
	g.Bool(&opts.host, "host", "check this machine, which is the default without -f")
	opts.accountOptions.addTo(f)
	g.Int(&opts.sourceMTU, "source-mtu", "BYTES", "MTU of the sources, which EC2 does not know")
	g = flags.In(f, flags.Limits)
	g.Var(&opts.needs.ReceiveBuffer, "receive-buffer", "SIZE", "--receive-buffer of listen")
	g.Var(&opts.needs.Memory, "memory", "SIZE", "--memory of listen")
	g.Int(&opts.needs.Workers, "workers", "N", "--workers of listen")
	opts.addOutput(f, "text")
	return cmd
}

func (o *doctorOptions) check() error {
	const least, most = 68, 65535 // RFC 791, sections 3.1 and 3.2
	if o.sourceMTU < least || o.sourceMTU > most {
		return flags.Usagef("--source-mtu %d: want %d to %d", o.sourceMTU, least, most)
	}
	if err := sink.CheckMemory(o.needs.Memory, max(o.needs.Workers, 1)); err != nil {
		return err
	}
	if o.needs.Workers < 1 {
		return flags.Usagef("--workers %d: want at least 1", o.needs.Workers)
	}
	return nil
}

func defaultHostNeeds() host.Needs {
	listen := sink.DefaultListenConfig()
	return host.Needs{ReceiveBuffer: listen.ReceiveBuffer, Memory: listen.Memory, Workers: runtime.GOMAXPROCS(0)}
}

// runDoctor is the command.
func runDoctor(cmd *cobra.Command, opts *doctorOptions) error {
	all := &doctor.Diagnosis{Findings: []doctor.Finding{}}
	if opts.file == "" || opts.host {
		h, err := host.This(opts.needs)
		if err != nil {
			return err
		}
		all.Merge(h.Diagnose())
	}
	if opts.file != "" {
		a, err := opts.read(cmd)
		if err != nil {
			return err
		}
		d, err := a.diagnose(cmd.Context(), opts.sourceMTU)
		if err != nil {
			return err
		}
		all.Merge(d)
	}
	print := all.Print
	if opts.output.Word == "json" {
		print = all.PrintJSON
	}
	if err := print(cmd.OutOrStdout()); err != nil {
		return err
	}
	if len(all.Findings) > 0 {
		return errFindings
	}
	return nil
}

var _ doctor.Network = (*aws.Client)(nil)

// diagnose looks at the set-up that the spec describes.
func (a *loadedSpec) diagnose(ctx context.Context, sourceMTU int) (*doctor.Diagnosis, error) {
	facts, err := doctor.Survey(ctx, a.client, a.spec, a.state)
	if err != nil {
		return nil, err
	}
	facts.SourceMTU = sourceMTU
	if err := doctor.AskGrants(ctx, a.client, facts); err != nil {
		return nil, err
	}
	return doctor.Diagnose(facts)
}
