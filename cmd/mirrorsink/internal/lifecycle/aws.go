package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"github.com/mirrorsink/mirrorsink/sessions/awssdk"
)

// callTimeout bounds one call to AWS.
const callTimeout = 10 * time.Second

// metadata is what the instance's metadata service says.
type metadata struct{ client *imds.Client }

// state returns the state that the Auto Scaling group wants the instance in, "" if there is none, and when EC2 takes a spot instance back,
// the zero time if it does not.
func (m *metadata) state(ctx context.Context) (state string, interruption time.Time, err error) {
	target, err := m.get(ctx, "autoscaling/target-lifecycle-state")
	if err != nil {
		return "", interruption, err
	}
	notice, err := m.get(ctx, "spot/instance-action")
	if err != nil || notice == nil {
		return string(target), interruption, err
	}
	var action struct{ Time time.Time }
	if err := json.Unmarshal(notice, &action); err != nil {
		return string(target), interruption, fmt.Errorf("spot/instance-action: %w", err)
	}
	return string(target), action.Time, nil
}

// maxAnswer is more than any answer that is read has.
const maxAnswer = 64 << 10

// get returns a text; nil if there is none.
func (m *metadata) get(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := m.client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
	switch {
	case awssdk.Status(err) == http.StatusNotFound:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %s", path, awssdk.Cause(err))
	}
	defer out.Content.Close()
	return io.ReadAll(io.LimitReader(out.Content, maxAnswer))
}

// hook is a lifecycle hook of the group that an instance is in.
type hook struct {
	client                *autoscaling.Client
	name, group, instance string
	timeout               time.Duration
}

// find returns the instance's metadata service, and the hook of its group.
func find(ctx context.Context, name string) (*metadata, *hook, error) {
	cfg, err := awssdk.Load(ctx, awssdk.Options{HTTP: awshttp.NewBuildableClient().WithTimeout(callTimeout)})
	if err != nil {
		return nil, nil, fmt.Errorf("--lifecycle: %w", err)
	}
	m := &metadata{imds.NewFromConfig(cfg)}
	id, err := m.client.GetInstanceIdentityDocument(ctx, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("--lifecycle: no identity of this instance: %s: run it on an EC2 instance of an Auto Scaling group", awssdk.Cause(err))
	}
	h := &hook{client: autoscaling.NewFromConfig(cfg), name: name, instance: id.InstanceID}
	if err := h.find(ctx); err != nil {
		return nil, nil, fmt.Errorf("--lifecycle: %w", err)
	}
	return m, h, nil
}

// find finds the group of the instance, and the timeout of its hook.
func (h *hook) find(ctx context.Context) error {
	found, err := h.client.DescribeAutoScalingInstances(ctx, &autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: []string{h.instance}})
	if err != nil {
		return called("DescribeAutoScalingInstances", err)
	}
	if len(found.AutoScalingInstances) == 0 {
		return fmt.Errorf("instance %s is in no Auto Scaling group", h.instance)
	}
	h.group = aws.ToString(found.AutoScalingInstances[0].AutoScalingGroupName)
	hooks, err := h.client.DescribeLifecycleHooks(ctx, &autoscaling.DescribeLifecycleHooksInput{AutoScalingGroupName: &h.group, LifecycleHookNames: []string{h.name}})
	if err != nil {
		return called("DescribeLifecycleHooks", err)
	}
	const transition = "autoscaling:EC2_INSTANCE_TERMINATING"
	if len(hooks.LifecycleHooks) == 0 || aws.ToString(hooks.LifecycleHooks[0].LifecycleTransition) != transition {
		return fmt.Errorf("no hook %q for %s in Auto Scaling group %s", h.name, transition, h.group)
	}
	h.timeout = time.Duration(aws.ToInt32(hooks.LifecycleHooks[0].HeartbeatTimeout)) * time.Second
	if h.timeout <= 0 {
		return fmt.Errorf("hook %q of Auto Scaling group %s has no timeout", h.name, h.group)
	}
	return nil
}

// heartbeat begins the hook's timeout anew.
func (h *hook) heartbeat(ctx context.Context) error {
	_, err := h.client.RecordLifecycleActionHeartbeat(ctx, &autoscaling.RecordLifecycleActionHeartbeatInput{
		AutoScalingGroupName: &h.group, LifecycleHookName: &h.name, InstanceId: &h.instance,
	})
	return called("RecordLifecycleActionHeartbeat", err)
}

// complete lets the group go on.
func (h *hook) complete(ctx context.Context) error {
	_, err := h.client.CompleteLifecycleAction(ctx, &autoscaling.CompleteLifecycleActionInput{
		AutoScalingGroupName: &h.group, LifecycleHookName: &h.name, InstanceId: &h.instance, LifecycleActionResult: aws.String("CONTINUE"),
	})
	return called("CompleteLifecycleAction", err)
}

// called returns the error of a call in one line.
func called(action string, err error) error {
	var credentials *awssdk.CredentialsError
	if err == nil || errors.As(err, &credentials) {
		return err
	}
	if answer := awssdk.Answer(err); answer != nil {
		return fmt.Errorf("%s: %s: %s", action, answer.ErrorCode(), awssdk.OneLine(answer.ErrorMessage()))
	}
	return fmt.Errorf("%s: %s", action, awssdk.Cause(err))
}
