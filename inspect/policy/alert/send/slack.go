package send

import (
	"context"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
)

// slack posts each alert to an incoming webhook of Slack, or of a service that takes its messages.
type slack struct {
	*poster
	sink *message.Sink
}

func openSlack(_ context.Context, spec string, sink *message.Sink) (receiver, string, error) {
	u, name, err := parseURL(spec)
	if err != nil {
		return nil, "", err
	}
	return &slack{newPoster(u.String(), sink), sink}, name, nil
}

func (s *slack) send(ctx context.Context, alerts []*alert.Alert) []error {
	return each(alerts, func(a *alert.Alert) error { return s.post(ctx, message.Slack(a, s.sink)) })
}

func (s *slack) sendDigest(ctx context.Context, d *message.Digest) error {
	return s.post(ctx, d.Slack(s.sink))
}
