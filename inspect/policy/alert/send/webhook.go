package send

import (
	"context"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
)

// webhook posts each alert as JSON.
type webhook struct {
	*poster
	sink *message.Sink
}

func openWebhook(_ context.Context, spec string, sink *message.Sink) (receiver, string, error) {
	u, name, err := parseURL(spec)
	if err != nil {
		return nil, "", err
	}
	return &webhook{newPoster(u.String(), sink), sink}, name, nil
}

// send posts alerts one by one. An Idempotency-Key is the same whenever one is posted again.
func (w *webhook) send(ctx context.Context, alerts []*alert.Alert) []error {
	return each(alerts, func(a *alert.Alert) error {
		return w.post(ctx, message.JSON(a, w.sink), "Idempotency-Key", message.ReportID(a))
	})
}

// each sends alerts one by one.
func each(alerts []*alert.Alert, send func(*alert.Alert) error) []error {
	errs := make([]error, len(alerts))
	for i, a := range alerts {
		errs[i] = send(a)
	}
	return errs
}
