package command

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// writeInventoryOptions are the flags of sessions inventory.
type writeInventoryOptions struct {
	specOptions
	out string
}

func newInventory() *cobra.Command {
	var opts writeInventoryOptions
	cmd := &cobra.Command{
		Use:   "inventory",
		Short: "Write the owner of each mirror session",
		Long: `Writes, for each mirror session of the account and region, the address and VNI of its copies, and the interface, instance, VPC,
subnet, account and tags behind them. With -f only the sessions of the spec's owner. As JSON it is the file for "listen
--inventory" and "replay --inventory".`,
		Example: `  mirrorsink sessions inventory -f mirror.yaml -o json --out inventory.json
  mirrorsink replay --inventory inventory.json capture.pcap`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runInventory(cmd, &opts)
		},
	}
	f := cmd.Flags()
	opts.accountOptions.addTo(f)
	g := flags.In(f, flags.Common)
	g.String(&opts.file, "file,f", "FILE", "only the sessions of the owner of this spec, a YAML file")
	opts.addOutput(f, "table")
	opts.out = "-"
	g.String(&opts.out, "out", "FILE", "write to this file, which is replaced when all is written; - is standard output")
	return cmd
}

// runInventory is the command.
func runInventory(cmd *cobra.Command, opts *writeInventoryOptions) error {
	state, err := opts.sessionsThere(cmd)
	if err != nil {
		return err
	}
	inv, left := sessions.NewInventory(state, time.Now())
	for _, o := range left {
		fmt.Fprintf(cmd.ErrOrStderr(), "left out: %s: %s\n", o.Session, o.Why)
	}
	write := func(w io.Writer) error { return printInventory(w, inv) }
	if opts.output.Word == "json" {
		write = inv.Write
	}
	if opts.out == "-" {
		return write(cmd.OutOrStdout())
	}
	return replaceFile(opts.out, write)
}

// sessionsThere reads the sessions, all of them or those of the spec's owner.
func (o *writeInventoryOptions) sessionsThere(cmd *cobra.Command) (*account.State, error) {
	if o.file != "" {
		a, err := o.read(cmd)
		if err != nil {
			return nil, err
		}
		return a.state.OwnedBy(a.spec.Owner), nil
	}
	client, err := o.open(cmd.Context(), nil)
	if err != nil {
		return nil, err
	}
	return client.Read(cmd.Context())
}

func printInventory(w io.Writer, inv *sessions.Inventory) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SOURCE\tVNI\tSESSION\tINTERFACE\tINSTANCE\tVPC\tSUBNET\tZONE\tACCOUNT\tNAME")
	for i := range inv.Entries {
		e := &inv.Entries[i]
		fmt.Fprintf(tw, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Outer, e.VNI, e.Session, e.Interface, cmp.Or(e.Instance, "-"),
			e.VPC, e.Subnet, e.Zone, e.Account, cmp.Or(e.Tags["Name"], "-"))
	}
	return tw.Flush()
}
