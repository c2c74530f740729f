package sink

import (
	"log/slog"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
)

// openPolicy reads the policy; without the option there is none, and no error.
func openPolicy(opts *egress.Options, outputs *output.Options, log *slog.Logger) (*egress.Policy, error) {
	if !opts.Enabled() {
		return nil, nil
	}
	return opts.Open(outputs.Services, log)
}
