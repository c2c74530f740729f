package inventory

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/aws"
)

// openEC2 makes a client of the account, region and endpoint that the SDK's files and variables name.
func openEC2(ctx context.Context) (*aws.Client, error) { return aws.Open(ctx, aws.Config{}) }

// stateReader reads what there is.
type stateReader interface {
	Read(ctx context.Context) (*account.State, error)
}

// stateInventory makes the inventory of all mirror sessions that are there, whoever's they are. What is left out is logged when
// it is not what it was before.
func stateInventory(r stateReader, log *slog.Logger) Loader {
	var before []sessions.Omission
	return func(ctx context.Context) (*sessions.Inventory, error) {
		state, err := r.Read(ctx)
		if err != nil {
			return nil, fmt.Errorf("inventory from EC2: %w", err)
		}
		inv, left := sessions.NewInventory(state, time.Now())
		if len(left) > 0 && !slices.Equal(left, before) {
			log.Warn("mirror sessions are not in the inventory", "sessions", len(left), "one", left[0].Session, "why", left[0].Why)
		}
		before = left
		return inv, nil
	}
}
