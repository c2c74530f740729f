// Package awssdk sets up the AWS SDK and words its errors, for every package that calls AWS. It finds region and credentials where AWS's own
// tools find them, and reduces an error to one line with the reason. It calls no service itself, except to find credentials.
package awssdk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/smithy-go/logging"
)

// Options are the settings that differ between callers. Everything else comes from the AWS_ variables, ~/.aws, and the instance's role.
type Options struct {
	HTTP    *awshttp.BuildableClient
	Region  string // "" is AWS_REGION's, or the profile's
	Profile string // "" is AWS_PROFILE's
	Flags   bool   // the command has --region and --profile, which errors then name
}

// Load returns the SDK's configuration with a valid region and with credentials that were found once. Without a region elsewhere it is
// that of the instance, as the AWS CLI has it. Errors have one line and name what to set. A failure to find credentials, now or during a
// later call, is a *CredentialsError.
func Load(ctx context.Context, o Options) (aws.Config, error) {
	role := &metadataService{}
	cfg, err := o.load(ctx, role)
	if err == nil && cfg.Region == "" {
		if o.Region = role.region(ctx); o.Region != "" {
			cfg, err = o.load(ctx, role)
		}
	}
	if err != nil {
		return cfg, o.loadError(err)
	}
	if err := o.checkRegion(cfg.Region); err != nil {
		return cfg, err
	}
	cfg.Credentials = checkedCredentials{cfg.Credentials, o.source(ctx)}
	_, err = cfg.Credentials.Retrieve(ctx)
	return cfg, err
}

// load reads the environment and ~/.aws.
func (o Options) load(ctx context.Context, role *metadataService) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(o.Region),
		config.WithSharedConfigProfile(o.Profile),
		config.WithHTTPClient(o.HTTP),
		config.WithEC2RoleCredentialOptions(func(r *ec2rolecreds.Options) { r.Client = role }),
		config.WithLogger(logging.Nop{}), // errors are returned
	)
	if err == nil {
		role.configure(cfg)
	}
	return cfg, err
}

var regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)

// IsRegion reports whether a text has the form of a region.
func IsRegion(text string) bool { return regionName.MatchString(text) }

func (o Options) checkRegion(region string) error {
	if region == "" {
		return fmt.Errorf("no region: set %s, or run on an EC2 instance", o.setting("--region", "AWS_REGION"))
	}
	if !IsRegion(region) {
		return fmt.Errorf("region %q: want one such as eu-west-1: set %s", region, o.setting("--region", "AWS_REGION"))
	}
	return nil
}

// profileName returns the profile that is used.
func (o Options) profileName() string {
	return cmp.Or(o.Profile, os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"), config.DefaultSharedConfigProfile)
}

// source returns where the credentials of the profile come from; the zero value if there is no profile.
func (o Options) source(ctx context.Context) source {
	profile := o.profileName()
	shared, err := config.LoadSharedConfigProfile(ctx, profile, func(l *config.LoadSharedConfigOptions) {
		for _, f := range []struct {
			variable string
			into     *[]string
		}{{"AWS_CONFIG_FILE", &l.ConfigFiles}, {"AWS_SHARED_CREDENTIALS_FILE", &l.CredentialsFiles}} {
			if name := os.Getenv(f.variable); name != "" {
				*f.into = []string{name}
			}
		}
	})
	if err != nil {
		return source{}
	}
	s := source{profile: profile, process: shared.CredentialProcess}
	for p := &shared; p != nil; p = p.Source {
		switch {
		case p.SSOSessionName != "" || p.SSOStartURL != "":
			s.login = "aws sso login"
		case p.LoginSession != "":
			s.login = "aws login"
		}
	}
	return s
}

// loadError returns why ~/.aws or the environment cannot be used.
func (o Options) loadError(err error) error {
	var profile config.SharedConfigProfileNotExistError
	if errors.As(err, &profile) {
		return fmt.Errorf("no profile %q in ~/.aws/config or ~/.aws/credentials: set %s to one that is there", profile.Profile, o.setting("--profile", "AWS_PROFILE"))
	}
	var mfa config.AssumeRoleTokenProviderNotSetError
	if errors.As(err, &mfa) {
		return fmt.Errorf("profile %s wants the code of an MFA device, which is not asked for here: run \"aws configure export-credentials --profile %[1]s --format env\" and set what it prints", o.profileName())
	}
	return fmt.Errorf("AWS configuration: %s", strings.TrimPrefix(OneLine(err.Error()), "failed to load shared config, "))
}

// setting returns the names under which a person can set a value.
func (o Options) setting(flag, variable string) string {
	if o.Flags {
		return flag + " or " + variable
	}
	return variable
}
