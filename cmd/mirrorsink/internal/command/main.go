package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Main runs the program and ends it with an exit status.
func Main() {
	signal.Ignore(syscall.SIGPIPE) // a reader of the events that closes its pipe is a write error like any other
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal finds no handler and ends the program at once
	os.Exit(Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
