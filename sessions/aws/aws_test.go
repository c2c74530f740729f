package aws

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// bare removes the machine's AWS settings: variables, files, an instance's role.
func bare(t *testing.T) (configFile string) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	configFile = filepath.Join(t.TempDir(), "config")
	t.Setenv("AWS_CONFIG_FILE", configFile)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", configFile+".none")
	t.Setenv("HOME", filepath.Dir(configFile))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return configFile
}

// identified is an environment with credentials.
func identified(t *testing.T) {
	bare(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
}

// openAt opens a client that retries without waiting.
func openAt(t *testing.T, endpoint string, change ...func(*Config)) *Client {
	identified(t)
	cfg := Config{Region: "eu-west-1", Endpoint: endpoint, MaxBackoff: time.Millisecond}
	for _, f := range change {
		f(&cfg)
	}
	c, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	return c
}

// reply is one HTTP answer. A status of 0 closes the connection; cut closes it after the body.
type reply struct {
	status int
	body   string
	cut    bool
}

func fault(status int, code, message string) reply {
	return reply{status: status, body: fmt.Sprintf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r-1</RequestID></Response>", code, message)}
}

// replies starts a server that gives one answer after the other and repeats the last. requests returns the requests.
func replies(t *testing.T, list ...reply) (endpoint string, requests func() []url.Values) {
	var n atomic.Int64
	asked := make(chan url.Values, 1000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		asked <- form
		answer := list[min(int(n.Add(1)), len(list))-1]
		if answer.status == 0 {
			panic(http.ErrAbortHandler)
		}
		if answer.cut {
			w.Header().Set("Content-Length", "9999")
		}
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() (all []url.Values) {
		for len(asked) > 0 {
			all = append(all, <-asked)
		}
		return all
	}
}

// closedPort returns an address without a listener.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return "http://" + l.Addr().String()
}

// silent returns an address that accepts connections and never answers.
func silent(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return "http://" + l.Addr().String()
}

func TestOpenSaysWhatToSet(t *testing.T) {
	tests := []struct {
		name, files string
		env         map[string]string
		cfg         Config
		want        string
	}{
		{name: "no region", want: "no region: set --region or AWS_REGION, or run on an EC2 instance"},
		{name: "no region, profile without one", files: "[profile dev]\noutput = json\n", cfg: Config{Profile: "dev"}, want: "no region: set --region or AWS_REGION, or run on an EC2 instance"},
		{name: "bad region", cfg: Config{Region: "eu west"}, want: `region "eu west": want one such as eu-west-1: set --region or AWS_REGION`},
		{name: "no credentials", cfg: Config{Region: "eu-west-1"}, want: "no credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run on an instance with a role"},
		{name: "half of the credentials", cfg: Config{Region: "eu-west-1"}, env: map[string]string{"AWS_ACCESS_KEY_ID": "AKID"}, want: "no credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run on an instance with a role"},
		{name: "no such profile", cfg: Config{Region: "eu-west-1", Profile: "prod"}, want: `no profile "prod" in ~/.aws/config or ~/.aws/credentials: set --profile or AWS_PROFILE to one that is there`},
		{name: "no such profile, from the environment", cfg: Config{Region: "eu-west-1"}, env: map[string]string{"AWS_PROFILE": "prod"}, want: `no profile "prod" in ~/.aws/config or ~/.aws/credentials: set --profile or AWS_PROFILE to one that is there`},
		{name: "no scheme", cfg: Config{Region: "eu-west-1", Endpoint: "127.0.0.1:4566"}, want: `endpoint "127.0.0.1:4566": want a URL such as http://127.0.0.1:4566`},
		{name: "a helper that fails", cfg: Config{Region: "eu-west-1", Profile: "dev"}, files: "[profile dev]\ncredential_process = false\n", want: "no credentials: the credential_process of profile dev failed: exit status 1: run it by hand: false"},
		{name: "no sign-in", cfg: Config{Region: "eu-west-1", Profile: "dev"}, files: "[profile dev]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n[sso-session s]\nsso_start_url = https://x.example\nsso_region = eu-west-1\n",
			want: `no credentials: profile dev is not logged in: run "aws sso login --profile dev"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(bare(t), []byte(tt.files), 0o600))
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			tt.cfg.Flags = true
			_, err := Open(t.Context(), tt.cfg)
			assert.EqualError(t, err, tt.want)
		})
	}
}

func TestOpenFindsRegionAndCredentialsWhereAllToolsDo(t *testing.T) {
	require.NoError(t, os.WriteFile(bare(t), []byte("[profile dev]\nregion = eu-north-1\naws_access_key_id = AKID\naws_secret_access_key = s\n"), 0o600))
	c, err := Open(t.Context(), Config{Profile: "dev"})
	require.NoError(t, err)
	assert.Equal(t, "eu-north-1", c.region)
	t.Setenv("AWS_REGION", "us-east-1")
	c, err = Open(t.Context(), Config{Profile: "dev"})
	require.NoError(t, err)
	assert.Equal(t, "us-east-1", c.region)
	c, err = Open(t.Context(), Config{Profile: "dev", Region: "ap-south-1"})
	require.NoError(t, err)
	assert.Equal(t, "ap-south-1", c.region)
}

func TestEndpointFromEnvironment(t *testing.T) {
	endpoint, requests := replies(t, reply{status: 200, body: "<R><trafficMirrorSessionSet/></R>"})
	identified(t)
	t.Setenv("AWS_ENDPOINT_URL_EC2", endpoint)
	c, err := Open(t.Context(), Config{Region: "eu-west-1"})
	require.NoError(t, err)
	_, err = c.sessions(t.Context())
	require.NoError(t, err)
	assert.Len(t, requests(), 1)
}

// TestSilentMetadataService: a metadata service that never answers is tried once.
func TestSilentMetadataService(t *testing.T) {
	bare(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	var asked atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			defer c.Close()
		}
	}()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"+l.Addr().String())
	_, err = Open(t.Context(), Config{Region: "eu-west-1"})
	assert.EqualError(t, err, "no credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run on an instance with a role (in a container on one, its metadata service wants a hop limit of 2)")
	assert.Positive(t, asked.Load())
	assert.LessOrEqual(t, asked.Load(), int64(2), "half a second each")

	before := asked.Load()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_, err = Open(t.Context(), Config{Region: "eu-west-1"})
	assert.Error(t, err)
	assert.Equal(t, before, asked.Load(), "the service is not to be asked")
}

func TestInstanceRole(t *testing.T) {
	bare(t)
	expired := atomic.Bool{}
	imds := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case expired.Load():
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Path == "/latest/api/token":
			w.Header().Set("x-aws-ec2-metadata-token-ttl-seconds", "21600")
			_, _ = io.WriteString(w, "token")
		case strings.HasSuffix(r.URL.Path, "/security-credentials/"):
			_, _ = io.WriteString(w, "role")
		default:
			_, _ = fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":"AKID","SecretAccessKey":"s","Token":"t","Expiration":%q}`, time.Now().Add(time.Second).UTC().Format(time.RFC3339))
		}
	}))
	defer imds.Close()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.URL)
	endpoint, _ := replies(t, reply{status: 200, body: "<R/>"})
	_, err := Open(t.Context(), Config{Region: "eu-west-1", Endpoint: endpoint})
	require.NoError(t, err)
	expired.Store(true)
	_, err = Open(t.Context(), Config{Region: "eu-west-1", Endpoint: endpoint})
	assert.EqualError(t, err, "no credentials: this instance has no role: attach an instance profile to it")
}

// TestCredentialsLostLater: a call whose credentials cannot be renewed fails with that reason and is not retried.
func TestCredentialsLostLater(t *testing.T) {
	endpoint, requests := replies(t, reply{status: 200, body: "<R/>"})
	configFile := bare(t)
	home := filepath.Dir(configFile)
	helper := filepath.Join(home, "helper")
	require.NoError(t, os.WriteFile(helper, fmt.Appendf(nil, "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":\"2020-01-01T00:00:00Z\"}'\n[ ! -e %s/lost ]\n", home), 0o700))
	require.NoError(t, os.WriteFile(configFile, []byte("[default]\ncredential_process = "+helper+"\n"), 0o600))
	var outcomes []string
	c, err := Open(t.Context(), Config{Region: "eu-west-1", Endpoint: endpoint, OnCall: func(action, outcome string) { outcomes = append(outcomes, action+" "+outcome) }})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(home, "lost"), nil, 0o600))
	_, err = c.Rules(t.Context(), "tmf-1")
	assert.EqualError(t, err, "DescribeTrafficMirrorFilterRules: no credentials: the credential_process of profile default failed: exit status 1: run it by hand: "+helper)
	assert.Equal(t, sessions.Unreachable, sessions.ClassOf(err))
	assert.Empty(t, requests())
	assert.Equal(t, []string{"DescribeTrafficMirrorFilterRules unreachable"}, outcomes)
}

func TestNumberOfTries(t *testing.T) {
	endpoint, requests := replies(t, fault(503, "RequestLimitExceeded", "slow down"))
	for _, tt := range []struct {
		env  string
		cfg  int
		want int
	}{{"", 0, 8}, {"3", 0, 3}, {"3", 2, 2}, {"", 1, 1}} {
		identified(t)
		t.Setenv("AWS_MAX_ATTEMPTS", tt.env)
		c, err := Open(t.Context(), Config{Region: "eu-west-1", Endpoint: endpoint, MaxAttempts: tt.cfg, MaxBackoff: time.Millisecond})
		require.NoError(t, err)
		_, err = c.Rules(t.Context(), "tmf-1")
		assert.Equal(t, sessions.Throttled, sessions.ClassOf(err))
		assert.Len(t, requests(), tt.want)
	}
}

func TestCancelled(t *testing.T) {
	endpoint, _ := replies(t, fault(503, "RequestLimitExceeded", "slow down"))
	c := openAt(t, endpoint, func(cfg *Config) { cfg.MaxBackoff = time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Read(ctx)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Contains(t, err.Error(), "cancelled before there was an answer")
}
