package send

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
	"github.com/mirrorsink/mirrorsink/testdata/realserver"
)

// TestMoto: SNS, EventBridge and Security Hub, as moto has them, take alerts, and give them to those behind them.
func TestMoto(t *testing.T) {
	url := realserver.Moto(t)
	cfg, err := loadAWS(t.Context(), "")
	require.NoError(t, err)
	t.Run("sns", func(t *testing.T) { motoTopic(t, cfg) })
	t.Run("eventbridge", func(t *testing.T) { motoBus(t, cfg, url) })
	t.Run("securityhub", func(t *testing.T) { motoHub(t, cfg) })
}

func motoTopic(t *testing.T, cfg aws.Config) {
	mails := &standIn{}
	subscriber := httptest.NewServer(mails)
	defer subscriber.Close()
	api := sns.NewFromConfig(cfg)
	made, err := api.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("alerts")})
	require.NoError(t, err)
	_, err = api.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: made.TopicArn, Protocol: aws.String("http"), Endpoint: &subscriber.URL, Attributes: map[string]string{"FilterPolicy": `{"state": ["opened"]}`},
	})
	require.NoError(t, err)
	a := example(1, alert.Opened)
	c := deliver(t, "sns:"+*made.TopicArn, a, example(1, alert.Resolved), example(2, alert.Opened))
	require.EqualValues(t, 3, c.Sent)
	var got []string
	for _, r := range mails.requests() {
		var mail struct{ Type, Subject, Message string }
		require.NoError(t, json.Unmarshal(r.body, &mail))
		if mail.Type == "Notification" {
			got = append(got, mail.Subject)
			if len(got) == 1 {
				require.Equal(t, message.Body(a, sink), mail.Message)
			}
		}
	}
	require.Equal(t, []string{message.Subject(a), message.Subject(example(2, alert.Opened))}, got, "the filter of the subscription works on our attributes")
}

func motoBus(t *testing.T, cfg aws.Config, url string) {
	api, logs := eventbridge.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
	group := aws.String("/aws/events/alerts")
	_, err := logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group})
	require.NoError(t, err)
	bus := aws.String("egress")
	_, err = api.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: bus})
	require.NoError(t, err)
	_, err = api.PutRule(t.Context(), &eventbridge.PutRuleInput{
		Name: aws.String("opened"), EventBusName: bus,
		EventPattern: aws.String(`{"source": ["mirrorsink"], "detail-type": ["Mirrorsink Alert"], "detail": {"state": ["opened"], "severity": ["high"]}}`),
	})
	require.NoError(t, err)
	_, err = api.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("opened"), EventBusName: bus, Targets: []types.Target{
		{Id: aws.String("logs"), Arn: aws.String("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/events/alerts")},
	}})
	require.NoError(t, err)
	require.EqualValues(t, 3, deliver(t, "eventbridge:egress", example(1, alert.Opened), example(1, alert.Updated), example(2, alert.Opened)).Sent)
	// The SDK refuses the times of moto's answer, which are no integers.
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"logGroupName": "/aws/events/alerts"}`))
	require.NoError(t, err)
	ask.Header.Set("X-Amz-Target", "Logs_20140328.FilterLogEvents")
	ask.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/eu-west-1/logs/aws4_request, SignedHeaders=host, Signature=x")
	answer, err := http.DefaultClient.Do(ask)
	require.NoError(t, err)
	defer answer.Body.Close()
	var out struct{ Events []struct{ Message *string } }
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&out))
	var sources []string
	for _, e := range out.Events {
		var event struct{ Detail struct{ Source string } }
		require.NoError(t, json.Unmarshal([]byte(*e.Message), &event))
		sources = append(sources, event.Detail.Source)
	}
	require.Equal(t, []string{example(1, alert.Opened).Source, example(2, alert.Opened).Source}, sources)
}

func motoHub(t *testing.T, cfg aws.Config) {
	api := securityhub.NewFromConfig(cfg)
	_, err := api.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{})
	require.NoError(t, err)
	a := example(1, alert.Opened)
	a.Account = "" // moto knows one account
	resolved := *a
	resolved.State = alert.Resolved
	require.EqualValues(t, 2, deliver(t, "securityhub", a, &resolved).Sent)
	out, err := api.GetFindings(t.Context(), &securityhub.GetFindingsInput{})
	require.NoError(t, err)
	require.Len(t, out.Findings, 1, "one fact is one finding")
	f := out.Findings[0]
	require.Equal(t, "exfiltration: web "+a.Source+" to evil.example", *f.Title)
	require.Equal(t, "ARCHIVED", string(f.RecordState))
	require.Equal(t, "arn:aws:ec2:eu-west-1:123456789012:instance/"+a.Source, *f.Resources[0].Id)
}

// TestAlertmanager: two sinks that see one fact make one notification, a silence holds for both, and when both say so it is resolved.
func TestAlertmanager(t *testing.T) {
	type notification struct {
		Status string
		Alerts []struct {
			Status      string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
	var mu sync.Mutex
	var got []notification
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var n notification
		if json.Unmarshal(body, &n) == nil {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, n)
		}
	}))
	defer receiver.Close()
	url, amtool := realserver.Alertmanager(t, `
route: {receiver: test, group_by: [alertname], group_wait: 300ms, group_interval: 300ms, repeat_interval: 1h}
receivers: [{name: test, webhook_configs: [{url: `+receiver.URL+`, send_resolved: true}]}]
`)
	query := func(args ...string) (all []struct{ Labels map[string]string }) {
		require.NoError(t, json.Unmarshal([]byte(amtool(append([]string{"alert", "query", "-o", "json"}, args...)...)), &all))
		return all
	}
	notified := func(status string) (n *notification) {
		require.Eventually(t, func() bool {
			mu.Lock()
			defer mu.Unlock()
			for i := range got {
				if got[i].Status == status {
					n = &got[i]
				}
			}
			return n != nil
		}, 2*time.Minute, 20*time.Millisecond, "no notification")
		return n
	}
	var queues []*Queue
	for _, host := range []string{"sink-a", "sink-b"} {
		q, err := Open(t.Context(), Config{
			Spec: "alertmanager:" + url, Sink: &message.Sink{Host: host}, Dir: t.TempDir(), Bytes: 1 << 20, Memory: 1 << 20, Log: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		queues = append(queues, q)
	}
	both := func(a *alert.Alert) {
		for _, q := range queues {
			q.Alert(a)
		}
		for _, q := range queues {
			require.Eventually(t, func() bool { c := q.Counts(); return c.Waiting == 0 && !c.Failing }, 2*time.Minute, 5*time.Millisecond)
		}
	}
	now := time.Now()
	at := func(n int, state alert.State, to string) *alert.Alert {
		a := example(n, state)
		a.To, a.First, a.Last = to, now.Add(-time.Minute).UnixNano(), now.UnixNano()
		return a
	}
	hostile := "evil\x00\x1b.example\n{{template}}"
	both(at(1, alert.Opened, hostile))
	require.Len(t, query(), 1)
	n := notified("firing")
	require.Len(t, n.Alerts, 1, "one fact is one alert of one notification")
	require.Equal(t, "MirrorsinkExfiltration", n.Alerts[0].Labels["alertname"])
	require.Equal(t, "evil??.example?{{template}}", n.Alerts[0].Labels["destination"])
	require.NotContains(t, n.Alerts[0].Labels, "sink")

	amtool("silence", "add", "destination=quiet.example", "--comment=test", "--author=test")
	both(at(2, alert.Opened, "quiet.example"))
	require.Len(t, query("--silenced"), 1)
	require.Len(t, query(), 1)

	time.Sleep(time.Until(now.Add(time.Millisecond))) // what is resolved has an end in the past
	both(at(1, alert.Resolved, hostile))
	resolved := notified("resolved")
	require.Equal(t, "resolved", resolved.Alerts[0].Status)
	require.Empty(t, query())
	for _, q := range queues {
		require.NoError(t, q.Close(t.Context()))
		require.EqualValues(t, 3, q.Counts().Sent)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, n := range got {
		for _, a := range n.Alerts {
			require.NotEqual(t, "quiet.example", a.Labels["destination"])
		}
	}
}
