// Package metrics reads and serves the counters of readers, in the format of mirrorsink.
package metrics

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Addr is the address of every reader's metrics, on the namespace's loopback.
const Addr = "127.0.0.1:9478"

const (
	receivedMetric = "mirrorsink_datagrams_received_total"
	reasonsMetric  = "mirrorsink_datagrams_total"
	dropsMetric    = "mirrorsink_kernel_drops_total"
)

// Counts are the counters of a reader.
type Counts struct {
	Received, Drops float64
	Reasons         float64 // the sum of datagrams by reason
	HasReasons      bool    // readers that only count have none
}

// client makes a new connection for each request, since the reader may have been replaced.
var client = http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// Get returns the counters of the running reader.
func Get() (Counts, error) {
	answer, err := client.Get("http://" + Addr + "/metrics")
	if err != nil {
		return Counts{}, err
	}
	defer answer.Body.Close()
	return parseCounts(answer.Body)
}

// parseCounts parses the Prometheus text format of mirrorsink.
func parseCounts(r io.Reader) (c Counts, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		name, _, _ = strings.Cut(name, "{")
		var to *float64
		switch name {
		case receivedMetric:
			to = &c.Received
		case dropsMetric:
			to = &c.Drops
		case reasonsMetric:
			to, c.HasReasons = &c.Reasons, true
		default:
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return c, fmt.Errorf("metric %s: %w", name, err)
		}
		*to += value
	}
	return c, lines.Err()
}
