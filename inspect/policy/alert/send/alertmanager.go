package send

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
)

// manager posts alerts to an Alertmanager. It wants open alerts again and again: one that is not posted for a while counts as resolved.
type manager struct {
	*poster
	sink *message.Sink

	mu   sync.Mutex // guards the following
	open map[alert.Key]*openAlert
}

// openAlert is an alert that is posted until it is resolved.
type openAlert struct {
	alert *alert.Alert
	at    time.Time // when it was opened or updated
}

// Alertmanager's times: Prometheus too posts each minute, and lets an alert end after four.
const (
	repostInterval = time.Minute
	alertEnds      = 4 * repostInterval
	managerBatch   = 100
	// maxReposted bounds the open alerts. Others are posted when they change only.
	maxReposted = 10_000
	// staleAfter ends an alert of which nothing was heard. The longest quiet time of an alert is a day.
	staleAfter = 25 * time.Hour
)

func openManager(_ context.Context, spec string, sink *message.Sink) (receiver, string, error) {
	u, name, err := parseURL(spec)
	if err != nil {
		return nil, "", errors.New("want the address of an Alertmanager, such as http://alertmanager:9093")
	}
	return &manager{poster: newPoster(u.JoinPath("api/v2/alerts").String(), sink), sink: sink, open: map[alert.Key]*openAlert{}}, name, nil
}

// observe keeps what is open.
func (m *manager) observe(a *alert.Alert) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case a.State == alert.Resolved:
		delete(m.open, a.Key)
	case m.open[a.Key] != nil || len(m.open) < maxReposted:
		m.open[a.Key] = &openAlert{a, time.Now()}
	}
}

// run posts what is open each minute.
func (m *manager) run(ctx context.Context, report func(error)) {
	ticker := time.NewTicker(repostInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for some := range slices.Chunk(m.firing(now), managerBatch) {
				report(m.postAll(ctx, some))
			}
		}
	}
}

// firing returns the alerts that are open, in the order of their beginning.
func (m *manager) firing(now time.Time) (all []*alert.Alert) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, o := range m.open {
		if now.Sub(o.at) > staleAfter {
			delete(m.open, key)
			continue
		}
		all = append(all, o.alert)
	}
	slices.SortFunc(all, func(a, b *alert.Alert) int { return cmp.Compare(a.First, b.First) })
	return all
}

// postAll posts alerts. Those that are resolved say so; the others end unless they are posted again.
func (m *manager) postAll(ctx context.Context, alerts []*alert.Alert) error {
	return m.post(ctx, message.Alertmanager(alerts, m.sink, time.Now().Add(alertEnds)))
}

// send posts alerts together. One that is refused makes Alertmanager refuse the call, though it takes the others; they are posted one by
// one then.
func (m *manager) send(ctx context.Context, alerts []*alert.Alert) []error {
	err := m.postAll(ctx, alerts)
	var why *spool.Failure
	if len(alerts) > 1 && errors.As(err, &why) && why.Class == spool.Refused {
		return each(alerts, func(a *alert.Alert) error { return m.postAll(ctx, []*alert.Alert{a}) })
	}
	return fill(make([]error, len(alerts)), err)
}
