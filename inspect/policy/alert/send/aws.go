package send

import (
	"context"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/mirrorsink/mirrorsink/sessions/awssdk"
)

// arn is an Amazon Resource Name: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
type arn struct{ region, account, resource string }

var arnForm = regexp.MustCompile(`^arn:aws[a-z-]*:([a-z]+):([a-z0-9-]+):([0-9]{12}):([A-Za-z0-9._/-]+)$`)

// parseARN returns the parts of a name of a service.
func parseARN(text, service string) (a arn, ok bool) {
	m := arnForm.FindStringSubmatch(text)
	if m == nil || m[1] != service || !awssdk.IsRegion(m[2]) {
		return a, false
	}
	return arn{m[2], m[3], m[4]}, true
}

// loadAWS finds credentials. A region of "" is the one that AWS's tools use. Calls are made once: the spool repeats them.
func loadAWS(ctx context.Context, region string) (aws.Config, error) {
	cfg, err := awssdk.Load(ctx, awssdk.Options{HTTP: awshttp.NewBuildableClient().WithTimeout(callTimeout), Region: region})
	if err != nil {
		return cfg, fmt.Errorf("%w", err)
	}
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg, nil
}
