package scale

import (
	"context"
	"fmt"
	"log"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/traffic"
)

// The flood: 100,000 SYNs per second for 80 seconds, each from another address, among connections.
const (
	floodConnections = 10_000
	floodPerPacket   = 100 // SYNs after each packet of a connection
	floodMemory      = 256 // MiB, room for half a million flows
)

// measureFlood replays connections during a flood. A connection whose state is evicted would be counted as another flow.
func measureFlood(ctx context.Context) (figures.Table, error) {
	log.Printf("%s connections during a flood", figures.Thousands(floodConnections))
	c, err := traffic.New(floodConnections, 1)
	if err != nil {
		return nil, err
	}
	c.Flood = floodPerPacket
	r, err := replayTraffic(ctx, c, floodMemory)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("replay, SYN flood among %s flows: ", figures.Thousands(floodConnections))
	return figures.Table{
		{Name: title + "M packets per CPU-second", Values: []float64{r.rate}},
		{Name: title + "flows that began, of those counted", Values: []float64{float64(c.Flows()) / r.flows}, Bound: figures.Bound{Least: 1}},
		{Name: title + "flows evicted", Values: []float64{r.evicted}, Bound: figures.Bound{Least: 1}},
		{Name: title + "peak memory allocated, MiB", Values: []float64{r.anonymous}, Bound: figures.Bound{Most: floodMemory}},
	}, nil
}
