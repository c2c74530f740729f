package send

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/mirrorsink/mirrorsink/inspect/export/awserror"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
)

// bus puts alerts as events on a bus of EventBridge.
type bus struct {
	client *eventbridge.Client
	name   string
	region string
	sink   *message.Sink
}

// busBatch is how many events a call takes: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
const busBatch = 10

// Names of events, by which rules of a bus select them.
const (
	eventSource = "mirrorsink"
	eventDetail = "Mirrorsink Alert"
)

var busName = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,256}$`)

func openBus(ctx context.Context, spec string, sink *message.Sink) (receiver, string, error) {
	name, isARN := parseARN(spec, "events")
	if !isARN && !busName.MatchString(spec) {
		return nil, "", errors.New("want the name or the ARN of an event bus, such as default")
	}
	cfg, err := loadAWS(ctx, name.region)
	if err != nil {
		return nil, "", err
	}
	return &bus{eventbridge.NewFromConfig(cfg), spec, cfg.Region, sink}, "event bus " + spec, nil
}

func (b *bus) send(ctx context.Context, alerts []*alert.Alert) []error {
	in := &eventbridge.PutEventsInput{}
	for _, a := range alerts {
		in.Entries = append(in.Entries, types.PutEventsRequestEntry{
			EventBusName: &b.name, Source: aws.String(eventSource), DetailType: aws.String(eventDetail),
			Detail: aws.String(string(message.JSON(a, b.sink))), Time: aws.Time(time.Unix(0, a.Last)),
		})
	}
	errs := make([]error, len(alerts))
	out, err := b.client.PutEvents(ctx, in)
	for i := range errs {
		switch {
		case err != nil:
			errs[i] = awserror.Explain(err, b.region)
		case i < len(out.Entries) && out.Entries[i].ErrorCode != nil:
			errs[i] = awserror.OfAnswer("PutEvents", *out.Entries[i].ErrorCode, aws.ToString(out.Entries[i].ErrorMessage), 0, b.region)
		}
	}
	return errs
}
