package aws

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// UploadConfig configures an Uploader.
type UploadConfig struct {
	Bucket, Prefix string                // a file's key is the prefix, a slash and its path within the folder
	Dir            string                // the spool: a folder of finished files, for this uploader only
	Bytes          int64                 // bound of all finished files together
	Records        func(path string) int // counts the records of a file found at the start; nil if they are not known
	Parallel       int                   // files at once; 0 is 4
	PartSize       int64                 // larger files are uploaded in parts of this size, at least 5 MiB; 0 is 8 MiB
	Log            *slog.Logger          // slog's default if nil
}

// defaultParallel is enough for 1 Gbit/s with parts of some megabytes.
const defaultParallel = 4

// An Uploader uploads finished files to S3 and removes them after that. Its methods are safe for concurrent use.
type Uploader struct{ spool *spool.Spool }

// NewUploader opens the folder, creates it if necessary, and begins to upload the files in it. Close ends it.
func (c *Client) NewUploader(cfg UploadConfig) (*Uploader, error) {
	b := &bucket{Client: c, name: cfg.Bucket, prefix: cfg.Prefix, partSize: cmp.Or(cfg.PartSize, defaultPart)}
	s, err := spool.Open(spool.Config{
		Dir: cfg.Dir, Bytes: cfg.Bytes, Records: cfg.Records, Parallel: cmp.Or(cfg.Parallel, defaultParallel), Deliver: b.put,
		Backoff: c.backoff, To: strings.TrimSuffix("s3://"+cfg.Bucket+"/"+cfg.Prefix, "/"), Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	return &Uploader{s}, nil
}

// Finished takes a finished file of the folder. A file for which it is not called is found at the next start.
func (u *Uploader) Finished(path string, records int) { u.spool.Add(path, records) }

// Counts returns the outcome of the files so far.
func (u *Uploader) Counts() spool.Counts { return u.spool.Counts() }

// LastError returns the destination, and the error of the last upload; nil if it succeeded.
func (u *Uploader) LastError() (to string, why error) { return u.spool.LastError() }

// Close uploads the files in the folder until ctx ends, a failure needs a person, or S3 is unavailable for too long. The remaining
// files stay in the folder for the next start; the error has their number and the reason. Finished must not be called after Close.
func (u *Uploader) Close(ctx context.Context) error { return u.spool.Close(ctx) }

// bucketName matches names of buckets: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ParseURL splits s3://bucket/prefix.
func ParseURL(url string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(url, "s3://")
	if !ok {
		return "", "", fmt.Errorf("%q: want s3://bucket/prefix", url)
	}
	bucket, prefix, _ = strings.Cut(rest, "/")
	switch {
	case !bucketName.MatchString(bucket):
		return "", "", fmt.Errorf("%q: %q is not a name of a bucket: want 3 to 63 lower-case letters, digits, dots and dashes", url, bucket)
	case strings.Contains("/"+prefix, "//"), strings.Contains("/"+prefix+"/", "/../"), strings.Contains("/"+prefix+"/", "/./"):
		return "", "", fmt.Errorf("%q: the prefix has an empty element, or a . or .. among its elements", url)
	}
	return bucket, strings.TrimSuffix(prefix, "/"), nil
}
