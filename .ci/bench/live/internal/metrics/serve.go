package metrics

import (
	"fmt"
	"net/http"
	"os"
)

// Serve serves the two counters at Addr under mirrorsink's names.
func Serve(received, drops func() uint64) {
	answer := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s %d\n%s %d\n", receivedMetric, received(), dropsMetric, drops())
	}
	go func() {
		fmt.Fprintln(os.Stderr, http.ListenAndServe(Addr, http.HandlerFunc(answer)))
		os.Exit(1)
	}()
}
