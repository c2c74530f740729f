package inventory

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// Options are the flags of the inventory. FromEC2 is not a file.
type Options struct {
	From    string
	Refresh time.Duration
}

// FromEC2 is the value of --inventory that asks EC2. A file of that name is ./ec2.
const FromEC2 = "ec2"

// AddTo adds the flag for the source.
func (o *Options) AddTo(f *pflag.FlagSet) {
	flags.In(f, flags.Inventory).String(&o.From, "inventory", "FILE", "read the owners of mirror sessions from this file of \"sessions inventory\", or from ec2")
	flags.Suggest(f, "inventory", FromEC2)
}

// AddRefreshTo adds the flag for refreshing, for commands that run on.
func (o *Options) AddRefreshTo(f *pflag.FlagSet) {
	o.Refresh = time.Minute
	flags.In(f, flags.Inventory).Duration(&o.Refresh, "inventory-refresh", "read the inventory again this often, and on SIGHUP; 0 for on SIGHUP only")
}

// leastRefresh keeps EC2's quota of calls for others.
const leastRefresh = time.Second

// Check reports invalid options.
func (o *Options) Check() error {
	if o.Refresh != 0 && o.Refresh < leastRefresh {
		return flags.Usagef("--inventory-refresh %v: want %v at least, or 0", o.Refresh, leastRefresh)
	}
	return nil
}

// Open loads the inventory for the first time; without the option there is none, and no error.
func (o *Options) Open(ctx context.Context, log *slog.Logger) (*Inventory, error) {
	switch o.From {
	case "":
		return nil, nil
	case FromEC2:
		client, err := openEC2(ctx)
		if err != nil {
			return nil, fmt.Errorf("inventory from EC2: %w", err)
		}
		return Open(ctx, stateInventory(client, log), log)
	default:
		return Open(ctx, fileInventory(o.From), log)
	}
}
