package awssdk

import (
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
		{"flags", Options{Flags: true}, "no region: set --region or AWS_REGION"},
		{"no flags", Options{}, "no region: set AWS_REGION"},
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
