package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// metricsAddr is the address of every reader's metrics, on the namespace's loopback.
const metricsAddr = "127.0.0.1:9478"

const (
	receivedMetric = "mirrorsink_datagrams_received_total"
	reasonsMetric  = "mirrorsink_datagrams_total"
	dropsMetric    = "mirrorsink_kernel_drops_total"
)

// counts are the counters of a reader.
type counts struct {
	received, drops float64
	reasons         float64 // the sum of datagrams by reason
	hasReasons      bool    // readers that only count have none
}

// client makes a new connection for each request, since the reader may have been replaced.
var client = http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func getCounts() (counts, error) {
	answer, err := client.Get("http://" + metricsAddr + "/metrics")
	if err != nil {
		return counts{}, err
	}
	defer answer.Body.Close()
	return parseCounts(answer.Body)
}

// parseCounts parses the Prometheus text format of mirrorsink.
func parseCounts(r io.Reader) (c counts, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		name, _, _ = strings.Cut(name, "{")
		var to *float64
		switch name {
		case receivedMetric:
			to = &c.received
		case dropsMetric:
			to = &c.drops
		case reasonsMetric:
			to, c.hasReasons = &c.reasons, true
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
