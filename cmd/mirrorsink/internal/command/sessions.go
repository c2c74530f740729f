package command

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/aws"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// accountOptions choose the EC2 account. All of them may be left to the files and variables of the SDK.
type accountOptions struct {
	region, profile, endpoint string
}

func (o *accountOptions) addTo(f *pflag.FlagSet) {
	g := flags.In(f, flags.AWS)
	g.String(&o.region, "region", "REGION", "AWS region; by default that of AWS_REGION, the profile or the instance")
	g.String(&o.profile, "profile", "NAME", "profile of the AWS configuration files")
	g.String(&o.endpoint, "endpoint", "URL", "use the EC2 API at this URL, such as http://127.0.0.1:4566 of make ec2-playground")
}

// open makes a client. called, if not nil, is called for each call of the API with its action and outcome.
func (o *accountOptions) open(ctx context.Context, called func(action, outcome string)) (*aws.Client, error) {
	return aws.Open(ctx, aws.Config{Region: o.region, Profile: o.profile, Endpoint: o.endpoint, OnCall: called, Flags: true})
}

// specOptions are those of the commands that work with a spec.
type specOptions struct {
	accountOptions
	file   string
	output flags.Choice
	price  float64

	allowLoop bool
}

// defaultPrice is that of a session-hour in USD in most regions.
const defaultPrice = 0.015

func (o *specOptions) addTo(f *pflag.FlagSet) {
	o.accountOptions.addTo(f)
	flags.In(f, flags.Common).String(&o.file, "file,f", "FILE", "the spec, a YAML file; - is standard input")
}

// addLoop adds the flag of commands that would make a loop.
func (o *specOptions) addLoop(f *pflag.FlagSet) {
	flags.In(f, flags.Common).Bool(&o.allowLoop, "allow-loop", "warn of sources behind the load balancer that is their target, instead of refusing them")
}

func (o *specOptions) addOutput(f *pflag.FlagSet, text string) {
	o.output = flags.ChoiceOf(text, "json")
	flags.In(f, flags.Common).Var(&o.output, "output,o", "FORMAT", "format of the output: "+text+" or json")
}

func (o *specOptions) addPrice(f *pflag.FlagSet) {
	o.price = defaultPrice
	flags.In(f, flags.Common).Float(&o.price, "price", "USD", "price of a session-hour, for the costs shown")
}

// checkPrice reports a price that is invalid.
func (o *specOptions) checkPrice() error {
	if o.price < 0 {
		return flags.Usagef("--price %g: want a number from 0 on", o.price)
	}
	return nil
}

// spec reads the file.
func (o *specOptions) spec(stdin io.Reader) (*spec.Spec, error) {
	var text []byte
	var err error
	switch o.file {
	case "":
		return nil, flags.Usagef("--file is missing: name the spec")
	case "-":
		text, err = io.ReadAll(stdin)
	default:
		text, err = os.ReadFile(o.file)
	}
	if err != nil {
		return nil, fmt.Errorf("read the spec: %w", err)
	}
	want, err := spec.Parse(o.file, text)
	if err == nil {
		want.AllowLoop = o.allowLoop
	}
	return want, err
}

func newSessions() *cobra.Command {
	return groupOf(&cobra.Command{
		Use:   "sessions",
		Short: "Manage EC2 traffic mirroring as desired state",
		Long: `Manages mirror targets, filters and sessions through the EC2 API. A spec in YAML lists the interfaces to mirror and their targets;
plan shows the changes, apply makes them, watch applies again and again. Objects without the spec's owner in their tags are never
changed.

Credentials, region and endpoint are found like those of the AWS CLI.`,
		Example: `  mirrorsink sessions plan -f mirror.yaml
  mirrorsink sessions apply -f mirror.yaml`,
	}, newPlan(), newApply(), newDestroy(), newStatus(), newWatch(), newInventory(), newIAMPolicy())
}

// loadedSpec is a spec with the state of its account.
type loadedSpec struct {
	client *aws.Client
	spec   *spec.Spec
	state  *account.State
}

// read reads the spec, and only if nothing is wrong with it the state.
func (o *specOptions) read(cmd *cobra.Command) (*loadedSpec, error) {
	spec, err := o.spec(cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	client, err := o.open(cmd.Context(), nil)
	if err != nil {
		return nil, err
	}
	state, err := client.Read(cmd.Context())
	if err != nil {
		return nil, err
	}
	if err := sessions.ReadBehind(cmd.Context(), client, spec, state); err != nil {
		return nil, err
	}
	return &loadedSpec{client, spec, state}, nil
}

// diff reads the spec and the account, and compares them.
func (o *specOptions) diff(cmd *cobra.Command) (*loadedSpec, *sessions.Plan, error) {
	a, err := o.read(cmd)
	if err != nil {
		return nil, nil, err
	}
	p, err := sessions.Diff(a.spec, a.state)
	return a, p, err
}
