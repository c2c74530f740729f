package aws

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

func TestPermissions(t *testing.T) {
	srv := start(t, ec2test.Account{})
	srv.Deny("DescribeInstances", "CreateTrafficMirrorFilter")
	c := openAt(t, srv.URL)
	grants, err := c.Permissions(t.Context())
	require.NoError(t, err)
	answers := map[string]sessions.Answer{}
	for _, g := range grants {
		answers[g.Action] = g.Answer
		assert.Equal(t, g.Answer == sessions.Allowed, g.Err == nil, g.Action)
	}
	assert.Len(t, answers, len(probes), "each action once")
	assert.Equal(t, sessions.Refused, answers["ec2:DescribeInstances"])
	assert.Equal(t, sessions.Refused, answers["ec2:CreateTrafficMirrorFilter"])
	assert.Equal(t, sessions.Allowed, answers["ec2:DescribeNetworkInterfaces"])
	assert.Equal(t, sessions.Undecided, answers["ec2:DeleteTrafficMirrorSession"], "the fake looks for the session first")
	for _, m := range srv.Mutations() {
		assert.True(t, m.DryRun, m.Action)
	}
	for _, p := range probes {
		assert.Equal(t, 1, srv.Calls()[p.action], "%s is the call that is made", p.action)
	}
}

// TestPermissionsCoverAllCalls asks that every call of plan and apply is asked about.
func TestPermissionsCoverAllCalls(t *testing.T) {
	asked := map[string]bool{}
	for _, p := range probes {
		asked[p.action] = true
	}
	for _, tt := range everyChange {
		assert.True(t, asked[tt.action], tt.action)
	}
	srv := start(t, small())
	c := openAt(t, srv.URL)
	_, err := c.Read(t.Context())
	require.NoError(t, err)
	_, err = c.Rules(t.Context(), "tmf-1")
	require.NoError(t, err)
	for action := range srv.Calls() {
		assert.True(t, asked[action], action)
	}
}

func TestPermissionsOfNobody(t *testing.T) {
	_, err := openAt(t, closedPort(t)).Permissions(t.Context())
	assert.Equal(t, sessions.Unreachable, sessions.ClassOf(err))
}
