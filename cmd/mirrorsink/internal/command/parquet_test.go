package command

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newS3 is an S3 with one bucket, named "records".
func newS3(t *testing.T) *s3mem.Backend {
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("records"))
	server := httptest.NewServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": server.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	return backend
}

func keysOf(t *testing.T, backend *s3mem.Backend) (keys []string) {
	list, err := backend.ListBucket("records", &gofakes3.Prefix{}, gofakes3.ListBucketPage{})
	require.NoError(t, err)
	for _, item := range list.Contents {
		keys = append(keys, item.Key)
	}
	return keys
}

// A bucket gets the files that a folder gets, under the same names.
func TestABucketGetsTheFilesOfAFolder(t *testing.T) {
	backend, dir := newS3(t), t.TempDir()
	folder, spool := filepath.Join(dir, "folder"), filepath.Join(dir, "spool")
	r := runHere(t, "replay", "--parquet", folder, "--parquet", "s3://records/mirror", "--spool", spool, testdata("mirror-dns.pcap"))
	require.Zero(t, r.code, r.stderr)
	var want []string
	for _, path := range parquetFiles(t, folder) {
		key, err := filepath.Rel(folder, path)
		require.NoError(t, err)
		want = append(want, "mirror/"+filepath.ToSlash(key))
		assert.Positive(t, parquet.Rows(path))
	}
	assert.NotEmpty(t, want)
	assert.ElementsMatch(t, want, keysOf(t, backend))
	assert.Empty(t, parquetFiles(t, spool))
	assert.Contains(t, r.stderr, "to s3")
}

// A bucket that refuses leaves the files in the spool, and the next run brings them there.
func TestARefusedFileGoesWithTheNextRun(t *testing.T) {
	backend, spool := newS3(t), filepath.Join(t.TempDir(), "spool")
	args := func(bucket string) []string {
		return []string{"replay", "--quiet", "--parquet", "s3://" + bucket, "--spool", spool, testdata("mirror-dns.pcap")}
	}
	r := runHere(t, args("later")...)
	assert.Equal(t, 1, r.code)
	oneLine(t, r.stderr)
	assert.Contains(t, r.stderr, "s3://later: PutObject: NoSuchBucket: ")
	assert.NotEmpty(t, parquetFiles(t, spool))
	require.NoError(t, backend.CreateBucket("later"))
	r = runHere(t, args("later")...)
	require.Zero(t, r.code, r.stderr)
	assert.Empty(t, parquetFiles(t, spool))
}

func parquetFiles(t *testing.T, dir string) (paths []string) {
	for depth := range 12 {
		found, err := filepath.Glob(dir + strings.Repeat("/*", depth) + "/*.parquet")
		require.NoError(t, err)
		paths = append(paths, found...)
	}
	return paths
}

func TestParquetFlags(t *testing.T) {
	for _, args := range [][]string{{"--parquet", "s3://NO/x"}, {"--parquet-schema", "csv"}} {
		r := runHere(t, append([]string{"replay", "x.pcap"}, args...)...)
		assert.Equal(t, 2, r.code, args)
		oneLine(t, r.stderr)
		assert.Contains(t, r.stderr, args[0])
	}
}
