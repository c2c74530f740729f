package sink

import (
	"io"
	"net/http"
	"sync/atomic"
)

// readiness reports whether datagrams that are sent now will be received: from when all sources are open until a shutdown begins, unless
// something holds it.
type readiness struct {
	atomic.Bool
	held atomic.Int32 // by how many
}

// hold adds or removes a reason not to be ready.
func (r *readiness) hold(up bool) {
	if up {
		r.held.Add(1)
	} else {
		r.held.Add(-1)
	}
}

// handler serves /livez and /readyz and nothing else, since a load balancer must reach it.
func (r *readiness) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !r.Load() || r.held.Load() > 0 {
			http.Error(w, "not receiving", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	return mux
}
