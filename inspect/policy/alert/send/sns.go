package send

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/mirrorsink/mirrorsink/inspect/export/awserror"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
)

// topic publishes each alert to a topic of SNS, as a mail with the JSON beside it.
type topic struct {
	client *sns.Client
	arn    string
	region string
	fifo   bool
	sink   *message.Sink
}

func openTopic(ctx context.Context, spec string, sink *message.Sink) (receiver, string, error) {
	name, ok := parseARN(spec, "sns")
	if !ok {
		return nil, "", errors.New("want the ARN of a topic, such as arn:aws:sns:eu-west-1:111122223333:alerts")
	}
	cfg, err := loadAWS(ctx, name.region)
	if err != nil {
		return nil, "", err
	}
	return &topic{sns.NewFromConfig(cfg), spec, cfg.Region, strings.HasSuffix(spec, ".fifo"), sink}, spec, nil
}

func (t *topic) send(ctx context.Context, alerts []*alert.Alert) []error {
	return each(alerts, func(a *alert.Alert) error {
		_, err := t.client.Publish(ctx, t.publication(a))
		return awserror.Explain(err, t.region)
	})
}

// publication returns an alert as a message. Its attributes are there for filters of subscriptions, and for programs: "alert" is the JSON.
func (t *topic) publication(a *alert.Alert) *sns.PublishInput {
	in := &sns.PublishInput{
		TopicArn: &t.arn, Subject: aws.String(message.Subject(a)), Message: aws.String(message.Body(a, t.sink)),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"alert": attribute(string(message.JSON(a, t.sink))), "rule": attribute(a.Rule), "kind": attribute(a.Kind.String()),
			"severity": attribute(a.Severity.String()), "state": attribute(a.State.String()),
		},
	}
	if a.Workload != "" {
		in.MessageAttributes["workload"] = attribute(a.Workload)
	}
	if t.fifo {
		group := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", a.Rule, a.Workload, a.Source, a.To))
		id := hex.EncodeToString(group[:16]) // the same at all sinks, so that one fact is one mail
		in.MessageGroupId, in.MessageDeduplicationId = aws.String(id), aws.String(id+"-"+a.State.String())
		if a.State == alert.Updated {
			in.MessageDeduplicationId = aws.String(message.ReportID(a))
		}
	}
	return in
}

func attribute(text string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &text}
}

// sendDigest publishes many alerts as one mail. Its attributes have the values of all, so that it passes the filter of a subscription that
// one of them passes.
func (t *topic) sendDigest(ctx context.Context, d *message.Digest) error {
	_, err := t.client.Publish(ctx, t.digest(d))
	return awserror.Explain(err, t.region)
}

func (t *topic) digest(d *message.Digest) *sns.PublishInput {
	text := string(d.JSON(t.sink))
	in := &sns.PublishInput{
		TopicArn: &t.arn, Subject: aws.String(d.Subject()), Message: aws.String(d.Body(t.sink)),
		MessageAttributes: map[string]types.MessageAttributeValue{"digest": attribute(text)},
	}
	for name, values := range d.Values() {
		list, err := json.Marshal(values)
		if err != nil {
			panic(err) // strings always marshal
		}
		if len(values) > 0 {
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String.Array"), StringValue: aws.String(string(list))}
		}
	}
	if t.fifo {
		id := sha256.Sum256([]byte(text))
		in.MessageGroupId, in.MessageDeduplicationId = aws.String("digest"), aws.String(hex.EncodeToString(id[:]))
	}
	return in
}
