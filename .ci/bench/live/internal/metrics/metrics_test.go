package metrics

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCounts(t *testing.T) {
	text := fmt.Sprintf("# HELP %s Datagrams.\n%[1]s 1.5e+06\n%s{reason=\"ok\"} 7\n%[2]s{reason=\"bad_ip\"} 5\n%s 3\nother 9\n",
		receivedMetric, reasonsMetric, dropsMetric)
	c, err := parseCounts(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, Counts{Received: 1.5e6, Drops: 3, Reasons: 12, HasReasons: true}, c)
}
