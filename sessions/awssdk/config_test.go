package awssdk

import (
	"cmp"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bare clears the environment of AWS settings, and returns the path of an empty configuration file.
func bare(t *testing.T) string {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	name := filepath.Join(t.TempDir(), "config")
	t.Setenv("AWS_CONFIG_FILE", name)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	return name
}

// TestErrorsNameTheSettings: errors name flags only if the command has them.
func TestErrorsNameTheSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"flags", Options{Flags: true}, "no region: set --region or AWS_REGION, or run on an EC2 instance"},
		{"no flags", Options{}, "no region: set AWS_REGION, or run on an EC2 instance"},
		{"bad region", Options{Region: "eu west"}, `region "eu west": want one such as eu-west-1: set AWS_REGION`},
		{"profile", Options{Profile: "x"}, `no profile "x" in ~/.aws/config or ~/.aws/credentials: set AWS_PROFILE to one that is there`},
		{"profile, flags", Options{Profile: "x", Flags: true}, `no profile "x" in ~/.aws/config or ~/.aws/credentials: set --profile or AWS_PROFILE to one that is there`},
		{"credentials", Options{Region: "eu-west-1"}, "no credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run on an instance with a role"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bare(t)
			c.o.HTTP = awshttp.NewBuildableClient()
			_, err := Load(t.Context(), c.o)
			assert.EqualError(t, err, c.want)
		})
	}
}

func TestBrokenConfigurationIsOneLine(t *testing.T) {
	require.NoError(t, os.WriteFile(bare(t), []byte("[profile x]\nsource_profile = y\nrole_arn = arn:aws:iam::1:role/r\n"), 0o600))
	_, err := Load(t.Context(), Options{Profile: "x", HTTP: awshttp.NewBuildableClient()})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "\n")
}

func TestLoadFindsKeys(t *testing.T) {
	require.NoError(t, os.WriteFile(bare(t), []byte("[profile dev]\nregion = eu-north-1\naws_access_key_id = AKID\naws_secret_access_key = s\n"), 0o600))
	cfg, err := Load(t.Context(), Options{Profile: "dev", HTTP: awshttp.NewBuildableClient()})
	require.NoError(t, err)
	assert.Equal(t, "eu-north-1", cfg.Region)
	keys, err := cfg.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "AKID", keys.AccessKeyID)
}

// instance stands in for an instance's metadata service (IMDSv2): answers has the status and the text for each path.
func instance(t *testing.T, token int, answers map[string]string) {
	bare(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, known := answers[strings.TrimSuffix(r.URL.Path, "/")]
		switch {
		case r.Method == http.MethodPut:
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			w.WriteHeader(token)
			_, _ = w.Write([]byte("TOKEN"))
		case token == http.StatusForbidden:
			w.WriteHeader(token)
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "TOKEN":
			w.WriteHeader(http.StatusUnauthorized)
		case !known:
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write([]byte(text))
		}
	}))
	t.Cleanup(s.Close)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", s.URL)
}

const (
	rolePath = "/latest/meta-data/iam/security-credentials"
	identity = "/latest/dynamic/instance-identity/document"
)

// TestLoadOnAnInstance: an instance that has only a role has a region and credentials, and what is missing is named.
func TestLoadOnAnInstance(t *testing.T) {
	whole := map[string]string{
		identity:           `{"region":"eu-west-1","accountId":"111122223333","instanceId":"i-0a10"}`,
		rolePath:           "sink",
		rolePath + "/sink": `{"Code":"Success","AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`,
	}
	without := func(path, text string) map[string]string {
		some := maps.Clone(whole)
		delete(some, path)
		if text != "" {
			some[path] = text
		}
		return some
	}
	for name, c := range map[string]struct {
		token   int
		answers map[string]string
		o       Options
		want    string // the error
	}{
		"whole":            {200, whole, Options{}, ""},
		"region given":     {200, without(identity, ""), Options{Region: "eu-north-1"}, ""},
		"no identity":      {200, without(identity, ""), Options{}, "no region: set AWS_REGION, or run on an EC2 instance"},
		"no role":          {200, without(rolePath, ""), Options{}, "no credentials: this instance has no role: attach an instance profile to it"},
		"role not allowed": {200, without(rolePath+"/sink", `{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role sink. Please see"}`), Options{}, "no credentials: AssumeRoleUnauthorizedAccess: EC2 cannot assume the role sink: let ec2.amazonaws.com assume it in its trust policy"},
		"turned off":       {403, whole, Options{Region: "eu-west-1"}, `no credentials: the instance's metadata service is off: turn it on with "aws ec2 modify-instance-metadata-options --http-endpoint enabled"`},
	} {
		t.Run(name, func(t *testing.T) {
			instance(t, c.token, c.answers)
			c.o.HTTP = awshttp.NewBuildableClient()
			cfg, err := Load(t.Context(), c.o)
			if c.want != "" {
				require.EqualError(t, err, c.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, cmp.Or(c.o.Region, "eu-west-1"), cfg.Region)
			keys, err := cfg.Credentials.Retrieve(t.Context())
			require.NoError(t, err)
			require.Equal(t, "ASIA1", keys.AccessKeyID)
		})
	}
}

// TestProfilesThatFail: profiles whose credentials come from a program or a login name it.
func TestProfilesThatFail(t *testing.T) {
	const profiles = `
[profile base]
region = eu-west-1
aws_access_key_id = AKID
aws_secret_access_key = s
[profile mfa]
region = eu-west-1
role_arn = arn:aws:iam::222222222222:role/mirror
source_profile = base
mfa_serial = arn:aws:iam::111122223333:mfa/me
[profile program]
region = eu-west-1
credential_process = sh -c "exit 3"
[profile sso]
region = eu-west-1
sso_session = my
sso_account_id = 111122223333
sso_role_name = Admin
[sso-session my]
sso_region = eu-west-1
sso_start_url = https://example.awsapps.com/start
[profile sso-old]
region = eu-west-1
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 111122223333
sso_role_name = Admin
[profile through-sso]
region = eu-west-1
role_arn = arn:aws:iam::222222222222:role/mirror
source_profile = sso
[profile login]
region = eu-west-1
login_session = arn:aws:iam::111122223333:user/me
`
	for profile, want := range map[string]string{
		"mfa":         `profile mfa wants the code of an MFA device, which is not asked for here: run "aws configure export-credentials --profile mfa --format env" and set what it prints`,
		"program":     `no credentials: the credential_process of profile program failed: exit status 3: run it by hand: sh -c "exit 3"`,
		"sso":         `no credentials: profile sso is not logged in: run "aws sso login --profile sso"`,
		"sso-old":     `no credentials: profile sso-old is not logged in: run "aws sso login --profile sso-old"`,
		"through-sso": `no credentials: profile through-sso is not logged in: run "aws sso login --profile through-sso"`,
		"login":       `no credentials: profile login is not logged in: run "aws login --profile login"`,
	} {
		t.Run(profile, func(t *testing.T) {
			require.NoError(t, os.WriteFile(bare(t), []byte(profiles), 0o600))
			t.Setenv("HOME", t.TempDir())
			_, err := Load(t.Context(), Options{Profile: profile, HTTP: awshttp.NewBuildableClient()})
			require.EqualError(t, err, want)
		})
	}
}
