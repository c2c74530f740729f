package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/apply"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/sessions"
)

func newDestroy() *cobra.Command {
	opts := specOptions{price: defaultPrice}
	yes := false
	cmd := &cobra.Command{
		Use:   "destroy -f SPEC",
		Short: "Delete all objects of the spec's owner",
		Long: `Deletes every session, rule, filter and target with the spec's owner in its tags, whatever else the spec has. On a terminal it
shows them and asks; elsewhere it needs --yes. Sessions cost money until they are deleted.`,
		Example: `  mirrorsink sessions destroy -f mirror.yaml --yes`,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDestroy(cmd, opts, yes) },
	}
	opts.addTo(cmd.Flags())
	flags.In(cmd.Flags(), flags.Common).Bool(&yes, "yes", "do not ask")
	return cmd
}

// runDestroy is the command.
func runDestroy(cmd *cobra.Command, opts specOptions, yes bool) error {
	stdin, onTerminal := cmd.InOrStdin().(*os.File)
	onTerminal = onTerminal && term.IsTerminal(int(stdin.Fd()))
	if !yes && !onTerminal && opts.file != "" {
		return flags.Usagef("--yes is missing: standard input is no terminal to ask on")
	}
	a, err := opts.read(cmd)
	if err != nil {
		return err
	}
	p := sessions.DiffNothing(a.spec.Owner, a.state)
	stdout := cmd.OutOrStdout()
	for _, text := range p.Warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", text)
	}
	if !yes && !p.Empty() {
		if err := p.Print(stdout, opts.price); err != nil {
			return err
		}
		if !confirmed(cmd.Context(), a.state.Region, stdin, stdout) {
			return errors.New("nothing was deleted")
		}
	}
	return apply.Run(cmd.Context(), a.client, p, false, stdout)
}

// confirmed asks on the terminal. Only "yes" is yes; the end of ctx is no.
func confirmed(ctx context.Context, region string, in io.Reader, out io.Writer) bool {
	fmt.Fprintf(out, "Delete all of this in %s? Type \"yes\" to confirm: ", region)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		return false
	case text := <-answer:
		return text == "yes"
	}
}
