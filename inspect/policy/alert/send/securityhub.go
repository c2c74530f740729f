package send

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/mirrorsink/mirrorsink/inspect/export/awserror"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
)

// hub imports alerts into Security Hub as findings of the account whose credentials are used.
type hub struct {
	client   *securityhub.Client
	identity *sts.Client

	mu   sync.Mutex // guards the following
	sink message.Sink
}

// hubBatch is how many findings a call takes: https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
const hubBatch = 100

// openHub opens Security Hub, which has no address: the account and the region are those of the credentials.
func openHub(ctx context.Context, _ string, sink *message.Sink) (receiver, string, error) {
	cfg, err := loadAWS(ctx, "")
	if err != nil {
		return nil, "", err
	}
	h := &hub{client: securityhub.NewFromConfig(cfg), identity: sts.NewFromConfig(cfg), sink: *sink}
	h.sink.Region, h.sink.Account = cfg.Region, ""
	return h, "Security Hub", nil
}

// identify returns the sink with its account, which AWS is asked for once.
func (h *hub) identify(ctx context.Context) (*message.Sink, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sink.Account == "" {
		out, err := h.identity.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return nil, awserror.Explain(err, h.sink.Region)
		}
		h.sink.Account = aws.ToString(out.Account)
	}
	sink := h.sink
	return &sink, nil
}

func (h *hub) send(ctx context.Context, alerts []*alert.Alert) []error {
	errs := make([]error, len(alerts))
	sink, err := h.identify(ctx)
	if err != nil {
		return fill(errs, err)
	}
	in := &securityhub.BatchImportFindingsInput{}
	ids := make([]string, len(alerts)) // of the findings; "" for none
	at := map[string]int{}             // the last alert of each finding: a call takes a finding once
	for i, a := range alerts {
		f, ok := message.SecurityHub(a, sink)
		if !ok {
			errs[i] = &spool.Failure{Class: spool.Refused, Text: "a finding needs an account and a region"}
			continue
		}
		ids[i] = f.ID
		if n, twice := at[f.ID]; twice {
			in.Findings[n] = findingOf(&f)
			continue
		}
		at[f.ID] = len(in.Findings)
		in.Findings = append(in.Findings, findingOf(&f))
	}
	if len(in.Findings) == 0 {
		return errs
	}
	out, err := h.client.BatchImportFindings(ctx, in)
	if err != nil {
		return fill(errs, awserror.Explain(err, sink.Region))
	}
	failed := map[string]error{}
	for _, f := range out.FailedFindings {
		failed[aws.ToString(f.Id)] = awserror.OfAnswer("BatchImportFindings", aws.ToString(f.ErrorCode), aws.ToString(f.ErrorMessage), 0, sink.Region)
	}
	for i, id := range ids {
		if id != "" {
			errs[i] = failed[id]
		}
	}
	return errs
}

// fill sets what is not set yet.
func fill(errs []error, err error) []error {
	for i := range errs {
		if errs[i] == nil {
			errs[i] = err
		}
	}
	return errs
}

// findingOf returns a finding as the SDK has it.
func findingOf(f *message.Finding) types.AwsSecurityFinding {
	out := types.AwsSecurityFinding{
		SchemaVersion: &f.SchemaVersion, Id: &f.ID, ProductArn: &f.ProductArn, GeneratorId: &f.GeneratorID, AwsAccountId: &f.AwsAccountID,
		Types: f.Types, FirstObservedAt: &f.FirstObserved, LastObservedAt: &f.LastObserved, CreatedAt: &f.CreatedAt, UpdatedAt: &f.UpdatedAt,
		Severity: &types.Severity{Label: types.SeverityLabel(f.Severity.Label)}, Title: &f.Title, Description: &f.Description,
		ProductFields: f.ProductFields, RecordState: types.RecordState(f.RecordState),
	}
	for _, r := range f.Resources {
		out.Resources = append(out.Resources, types.Resource{Type: aws.String(r.Type), Id: aws.String(r.ID)})
	}
	if n := f.Network; n != nil {
		out.Network = &types.Network{Direction: types.NetworkDirection(n.Direction), DestinationPort: aws.Int32(int32(n.DestinationPort))}
		for _, field := range []struct {
			to   **string
			text *string
		}{{&out.Network.DestinationIpV4, &n.DestinationIPV4}, {&out.Network.DestinationIpV6, &n.DestinationIPV6}, {&out.Network.DestinationDomain, &n.DestinationDomain}} {
			if *field.text != "" {
				*field.to = field.text
			}
		}
	}
	return out
}
