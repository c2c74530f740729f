package command

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// noArgs refuses arguments.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return flags.Usagef("unexpected argument %q: the command takes flags only", args[0])
	}
	return nil
}

// noEmpty requires names that are not empty.
func noEmpty(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if slices.Contains(args, "") {
			return flags.Usagef("the name of a %s is empty", what)
		}
		return nil
	}
}

// atLeastOne requires one name or more, none of them empty.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return flags.Usagef("name at least one %s", what)
		}
		return noEmpty(what)(cmd, args)
	}
}

// exactly requires a number of arguments, which what names.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return flags.Usagef("want %s", what)
		}
		return nil
	}
}

// oneOf accepts one of some words, or no argument.
func oneOf(words []string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) > 1:
			return flags.Usagef("unexpected argument %q: want one command", args[1])
		case len(args) == 1 && !slices.Contains(words, args[0]):
			return flags.Usagef("argument %q: want %s", args[0], flags.Alternatives(words))
		}
		return nil
	}
}

// unknownCommand is the error for a word that is no subcommand, with the nearest one if there is any.
func unknownCommand(cmd *cobra.Command, word string) error {
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
			known = append(known, c.Name())
		}
	}
	return flags.Usagef("unknown command %q for %q%s", word, cmd.CommandPath(), didYouMean("", word, known))
}

func didYouMean(before, word string, known []string) string {
	if best := flags.Closest(word, known); best != "" {
		return fmt.Sprintf("; did you mean %q?", before+best)
	}
	return ""
}

// flagError returns pflag's errors in the words of the program.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &missing):
		return flags.Usagef("--%s: a value is missing", missing.GetFlag().Name)
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		why := invalid.Unwrap()
		if f.Value.Type() == "bool" {
			why = errors.New("want true or false") // also for the flags that cobra adds
		}
		return flags.Usagef("--%s %s: %w", f.Name, quoted(invalid.GetValue()), why)
	}
	return flags.Usagef("%w", err)
}

// quoted returns a value as it was given, or in quotation marks where it would not be seen or would break the line.
func quoted(value string) string {
	if q := fmt.Sprintf("%q", value); value == "" || q != `"`+value+`"` {
		return q
	}
	return value
}

func unknownFlag(cmd *cobra.Command, err *pflag.NotExistError) error {
	name := err.GetSpecifiedName()
	if err.GetSpecifiedShortnames() != "" {
		return flags.Usagef("unknown flag: -%s", name)
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	return flags.Usagef("unknown flag: --%s%s", name, didYouMean("--", name, known))
}
