package ec2test_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// TestDryRun: a dry run checks parameters and permission and changes nothing.
func TestDryRun(t *testing.T) {
	account := small()
	account.Interfaces = append(account.Interfaces, ec2test.Interface{ID: "eni-t2", Refusal: "eni-t2 must be attached to a supported instance"})
	account.Denied = []string{"DeleteTrafficMirrorFilter"}
	srv, client := start(t, account)
	before, ctx := srv.Snapshot(), t.Context()
	dry := func(eni string) error {
		in := session(eni, 1)
		in.DryRun = aws.Bool(true)
		_, err := client.CreateTrafficMirrorSession(ctx, in)
		return err
	}
	refused(t, dry("eni-web"), "DryRunOperation")
	refused(t, dry("eni-none"), "InvalidNetworkInterfaceID.NotFound")
	refused(t, dry("eni-t2"), "InvalidParameterValue", "supported instance")
	_, err := client.DeleteTrafficMirrorFilter(ctx, &ec2.DeleteTrafficMirrorFilterInput{TrafficMirrorFilterId: aws.String("tmf-all"), DryRun: aws.Bool(true)})
	refused(t, err, "UnauthorizedOperation", "ec2:DeleteTrafficMirrorFilter")
	_, err = client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{DryRun: aws.Bool(true)})
	refused(t, err, "DryRunOperation")
	assert.Equal(t, before, srv.Snapshot())
	for _, m := range srv.Mutations() {
		assert.True(t, m.DryRun)
	}
}

func TestDenied(t *testing.T) {
	srv, client := start(t, small())
	srv.Deny("CreateTags")
	_, err := client.CreateTrafficMirrorFilter(t.Context(), &ec2.CreateTrafficMirrorFilterInput{})
	require.NoError(t, err)
	in := &ec2.CreateTrafficMirrorFilterInput{TagSpecifications: tagged(types.ResourceTypeTrafficMirrorFilter, "a", "b")}
	_, err = client.CreateTrafficMirrorFilter(t.Context(), in)
	refused(t, err, "UnauthorizedOperation", "ec2:CreateTags")
	srv.Permit("CreateTags")
	_, err = client.CreateTrafficMirrorFilter(t.Context(), in)
	require.NoError(t, err)
}

// TestClientToken: the same token with the same parameters is the same object, even once that is gone; with others it is refused.
func TestClientToken(t *testing.T) {
	srv, client := start(t, small())
	ctx := t.Context()
	create := func(number int32) (string, error) {
		in := session("eni-web", number)
		in.ClientToken = aws.String("token")
		out, err := client.CreateTrafficMirrorSession(ctx, in)
		if err != nil {
			return "", err
		}
		assert.Equal(t, "token", *out.ClientToken)
		return *out.TrafficMirrorSession.TrafficMirrorSessionId, nil
	}
	first, err := create(1)
	require.NoError(t, err)
	second, err := create(1)
	require.NoError(t, err)
	assert.Equal(t, first, second)
	_, err = create(2)
	refused(t, err, "IdempotentParameterMismatch", "token")
	_, err = client.CreateTrafficMirrorFilter(ctx, &ec2.CreateTrafficMirrorFilterInput{ClientToken: aws.String("token")})
	require.NoError(t, err, "tokens of another action are other tokens")

	srv.RemoveSession(first)
	again, err := create(1)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	assert.Empty(t, srv.Snapshot().Sessions, "what is gone does not come back with its token")
}

// TestLostReply: the SDK retries with the token that it generated, and one object exists.
func TestLostReply(t *testing.T) {
	srv, client := start(t, small())
	srv.FailNext(ec2test.LostReply(), 2)
	out, err := client.CreateTrafficMirrorSession(t.Context(), session("eni-web", 1))
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"CreateTrafficMirrorSession": 3}, srv.Calls())
	all := srv.Snapshot().Sessions
	require.Len(t, all, 1)
	assert.Equal(t, all[0].ID, *out.TrafficMirrorSession.TrafficMirrorSessionId)

	srv.FailNext(ec2test.LostReply(), ec2test.Always)
	_, err = client.CreateTrafficMirrorFilter(t.Context(), &ec2.CreateTrafficMirrorFilterInput{})
	require.Error(t, err)
	assert.Empty(t, code(err))
	assert.Len(t, srv.Snapshot().Filters, 2, "it took effect")
	srv.ClearFaults()
	srv.FailNext(ec2test.Fault{LostRequest: true}, ec2test.Always)
	_, err = client.CreateTrafficMirrorFilter(t.Context(), &ec2.CreateTrafficMirrorFilterInput{})
	require.Error(t, err)
	assert.Len(t, srv.Snapshot().Filters, 2, "it did not")
}

// TestThrottling: the SDK retries, three attempts in all.
func TestThrottling(t *testing.T) {
	srv, client := start(t, small())
	for _, f := range []ec2test.Fault{ec2test.Throttled(), ec2test.Internal()} {
		srv.ForgetCalls()
		srv.FailNext(f, 2, "DescribeTrafficMirrorTargets")
		_, err := client.DescribeTrafficMirrorTargets(t.Context(), &ec2.DescribeTrafficMirrorTargetsInput{})
		require.NoError(t, err)
		assert.Equal(t, map[string]int{"DescribeTrafficMirrorTargets": 3}, srv.Calls())
		srv.FailNext(f, 3)
		_, err = client.DescribeTrafficMirrorTargets(t.Context(), &ec2.DescribeTrafficMirrorTargetsInput{})
		refused(t, err, f.Code)
	}
	srv.ForgetCalls()
	srv.FailNext(ec2test.Refused("AuthFailure", "no"), 1)
	_, err := client.DescribeTrafficMirrorTargets(t.Context(), &ec2.DescribeTrafficMirrorTargetsInput{})
	refused(t, err, "AuthFailure")
	assert.Equal(t, map[string]int{"DescribeTrafficMirrorTargets": 1}, srv.Calls())
}

// TestFaultsAreDeterministic: a seed chooses the same calls again, and the kth change is the kth.
func TestFaultsAreDeterministic(t *testing.T) {
	pattern := func(seed uint64) (failed []bool) {
		srv, client := start(t, small())
		srv.FailSome(ec2test.Refused("Chosen", ""), 0.5, seed, "DescribeTrafficMirrorFilters")
		for range 40 {
			_, err := client.DescribeTrafficMirrorFilters(t.Context(), &ec2.DescribeTrafficMirrorFiltersInput{})
			failed = append(failed, err != nil)
			_, err = client.DescribeTrafficMirrorTargets(t.Context(), &ec2.DescribeTrafficMirrorTargetsInput{})
			require.NoError(t, err)
		}
		return failed
	}
	one := pattern(1)
	assert.Equal(t, one, pattern(1))
	assert.NotEqual(t, one, pattern(2))
	assert.Contains(t, one, true)
	assert.Contains(t, one, false)

	srv, client := start(t, small())
	srv.FailMutation(3, ec2test.Refused("Third", ""))
	for n := int32(1); n <= 5; n++ {
		_, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
		require.NoError(t, err)
		_, err = client.CreateTrafficMirrorFilterRule(t.Context(), rule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) { i.RuleNumber = aws.Int32(10 + n) }))
		assert.Equal(t, n == 3, err != nil, n)
	}
	log := srv.Mutations()
	require.Len(t, log, 5)
	assert.Equal(t, "Third", log[2].Code)
	assert.Equal(t, "14", log[3].Param("RuleNumber"))
	assert.Regexp(t, "^tmfr-", log[3].ID)
}

// TestHook: it runs before each call, may use the server, and its fault takes effect.
func TestHook(t *testing.T) {
	srv, client := start(t, small())
	srv.Hook(func(action string, n int) ec2test.Fault {
		if action == "CreateTrafficMirrorSession" && n == 2 {
			srv.RemoveInterface("eni-web2") // the instance is terminated just then
		}
		if n == 3 {
			return ec2test.Refused("Hooked", "")
		}
		return ec2test.Fault{}
	})
	_, err := client.CreateTrafficMirrorSession(t.Context(), session("eni-web", 1))
	require.NoError(t, err)
	_, err = client.CreateTrafficMirrorSession(t.Context(), session("eni-web2", 1))
	refused(t, err, "InvalidNetworkInterfaceID.NotFound", "eni-web2")
	_, err = client.CreateTrafficMirrorSession(t.Context(), session("eni-web", 2))
	refused(t, err, "Hooked")
	srv.ClearFaults()
	_, err = client.CreateTrafficMirrorSession(t.Context(), session("eni-web", 2))
	require.NoError(t, err)
}

// TestConsistency: a new resource is hidden for the given number of calls, or until ShowAll.
func TestConsistency(t *testing.T) {
	srv, client := start(t, small())
	ctx := t.Context()
	sees := func(id string) bool {
		out, err := client.DescribeTrafficMirrorFilters(ctx, &ec2.DescribeTrafficMirrorFiltersInput{})
		require.NoError(t, err)
		for _, f := range out.TrafficMirrorFilters {
			if *f.TrafficMirrorFilterId == id {
				return true
			}
		}
		return false
	}
	create := func() string {
		out, err := client.CreateTrafficMirrorFilter(ctx, &ec2.CreateTrafficMirrorFilterInput{})
		require.NoError(t, err)
		return *out.TrafficMirrorFilter.TrafficMirrorFilterId
	}
	srv.Delay(2)
	id := create()
	in := session("eni-web", 1)
	in.TrafficMirrorFilterId = &id
	_, err := client.CreateTrafficMirrorSession(ctx, in)
	refused(t, err, "InvalidTrafficMirrorFilterId.NotFound", id)
	assert.False(t, sees(id))
	assert.True(t, sees(id))
	_, err = client.CreateTrafficMirrorSession(ctx, in)
	require.NoError(t, err)

	srv.Delay(ec2test.Always)
	id = create()
	for range 5 {
		assert.False(t, sees(id))
	}
	_, err = client.DeleteTrafficMirrorFilter(ctx, &ec2.DeleteTrafficMirrorFilterInput{TrafficMirrorFilterId: &id})
	refused(t, err, "InvalidTrafficMirrorFilterId.NotFound", id)
	made, err := client.CreateTrafficMirrorFilterRule(ctx, rule())
	require.NoError(t, err)
	_, err = client.ModifyTrafficMirrorFilterRule(ctx, &ec2.ModifyTrafficMirrorFilterRuleInput{TrafficMirrorFilterRuleId: made.TrafficMirrorFilterRule.TrafficMirrorFilterRuleId, RuleNumber: aws.Int32(5)})
	refused(t, err, "InvalidTrafficMirrorFilterRuleId.NotFound")
	_, err = client.CreateTrafficMirrorFilterRule(ctx, rule())
	refused(t, err, "TrafficMirrorFilterRuleAlreadyExists")
	filters := srv.Snapshot().Filters
	assert.Len(t, filters[len(filters)-1].Rules, 2, "what is not seen is there")
	srv.ShowAll()
	assert.True(t, sees(id))
}

// TestConcurrentUse: concurrent callers get no VNI and no session number twice.
func TestConcurrentUse(t *testing.T) {
	account := small()
	for range 50 {
		account.Interfaces = append(account.Interfaces, ec2test.Interface{})
	}
	srv, client := start(t, account)
	results := make(chan error)
	enis := srv.Snapshot().Interfaces[:50]
	for _, eni := range enis {
		go func(ctx context.Context) {
			in := session(eni.ID, 1)
			in.TrafficMirrorTargetId = aws.String("tmt-nlb")
			_, err := client.CreateTrafficMirrorSession(ctx, in)
			_ = srv.Snapshot()
			results <- err
		}(t.Context())
	}
	for range enis {
		require.NoError(t, <-results)
	}
	vnis := map[uint32]bool{}
	for _, s := range srv.Snapshot().Sessions {
		vnis[s.VNI] = true
		assert.Equal(t, 8500, s.PacketLength, "to a Network Load Balancer")
	}
	assert.Len(t, vnis, 50)
}
