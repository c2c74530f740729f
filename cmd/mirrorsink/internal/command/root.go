// Package command is the command line: one file for each subcommand with its flags, its checks and one call into the package that does
// the work. It turns errors into exit statuses. Nothing else of the program prints usage or knows of cobra.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/manual"
)

// Exit statuses.
const (
	exitOK           = 0
	exitError        = 1
	exitUsage        = 2
	exitFindings     = 3 // there are findings, or differences from the desired state, which the output lists
	exitInconclusive = 4 // too little was seen for an answer
)

// errFindings makes the exit status exitFindings. Nothing is printed for it.
var errFindings = errors.New("there are findings")

// errInconclusive makes the exit status exitInconclusive. Nothing is printed for it.
var errInconclusive = errors.New("inconclusive")

// Run runs one command line and returns the exit status. When ctx ends the command stops as after SIGTERM: what was read
// is written.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	started := false
	root := newRoot(stdout, stderr)
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		complete(root) // only here, since cobra keeps every flag with a completion for ever
	}
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var usage flags.UsageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, errInconclusive):
		return exitInconclusive
	case !started || errors.As(err, &usage):
		fmt.Fprintf(stderr, "mirrorsink: %v; run \"%s --help\"\n", err, cmd.CommandPath())
		return exitUsage
	default:
		for line := range strings.Lines(err.Error()) { // one a line, if there are several
			fmt.Fprintf(stderr, "mirrorsink: %s\n", strings.TrimSuffix(line, "\n"))
		}
		return exitError
	}
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := groupOf(&cobra.Command{
		Use:   "mirrorsink",
		Short: "A sink for AWS VPC Traffic Mirroring that names every flow",
		Long: `Receives mirrored VPC traffic, rebuilds its flows, and reports what they are by name. Events and records go to standard output,
files or AWS; messages for people go to standard error.`,
		Example: `  mirrorsink demo
  mirrorsink replay capture.pcap
  mirrorsink listen --eve /var/log/mirrorsink/eve.json --health :8080`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       readBuildInfo().String(),
	}, newDemo(), newDoctor(), newListen(), newPolicy(), newReplay(), newReport(), newSessions(), newSimulate(), newVersion(), newMan())
	root.AddCommand(newTopics()...)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), manual.Help(render(cmd))) })
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		_, err := fmt.Fprint(cmd.OutOrStderr(), manual.Help(cmd))
		return err
	})
	root.SetHelpCommand(newHelp())
	addCompletion(root)
	return root
}

// groupOf makes a command that only groups others: without arguments it shows its help, and an unknown word is a usage error.
func groupOf(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(commands...)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}
