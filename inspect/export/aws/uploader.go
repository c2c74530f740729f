package aws

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// UploadConfig says what an Uploader does.
type UploadConfig struct {
	Bucket, Prefix string                // a file's key is the prefix, a slash, and its path within the folder
	Dir            string                // the spool: a folder of finished files, of this uploader alone
	Bytes          int64                 // bound of all finished files together
	Records        func(path string) int // how many records are in a file that was found at the start; nil is for not known
	Parallel       int                   // files at once; 0 is 4
	PartSize       int64                 // larger files go in parts of this size, which S3 wants to be 5 MiB at least; 0 is 8 MiB
	Log            *slog.Logger          // slog's default if nil
}

// defaultParallel is enough for a gigabit, with parts of some megabytes.
const defaultParallel = 4

// An Uploader brings finished files to S3 and removes them when they are there. Its methods are safe for concurrent use.
type Uploader struct {
	spool  *spool
	sender *sender
}

// NewUploader takes over the folder, making it if need be, and begins with what is in it. Close ends it.
func (c *Client) NewUploader(cfg UploadConfig) (*Uploader, error) {
	log := cmp.Or(cfg.Log, slog.Default())
	spool, err := openSpool(spoolConfig{dir: cfg.Dir, bytes: cfg.Bytes, records: cfg.Records, before: byAge, log: log})
	if err != nil {
		return nil, err
	}
	b := &bucket{Client: c, name: cfg.Bucket, prefix: cfg.Prefix, partSize: cmp.Or(cfg.PartSize, defaultPart)}
	u := &Uploader{spool: spool, sender: &sender{
		spool: spool, deliver: b.put, parallel: cmp.Or(cfg.Parallel, defaultParallel), backoff: c.backoff, log: log,
		to: strings.TrimSuffix("s3://"+cfg.Bucket+"/"+cfg.Prefix, "/"),
	}}
	u.sender.start()
	return u, nil
}

// Finished takes a file of the folder that is complete and will not change any more. Its key is its path in the folder. A file
// that is not announced is found at the next start.
func (u *Uploader) Finished(path string, records int) {
	u.spool.add(path, records)
	u.sender.poke()
}

// Counts returns what became of the files so far.
func (u *Uploader) Counts() Counts { return u.spool.snapshot() }

// Trouble returns where to files go, and why the last one failed to, nil if it did not.
func (u *Uploader) Trouble() (to string, why error) { return u.sender.trouble() }

// Close uploads what is in the folder, until ctx ends, S3 says something that only a person can mend, or it is away for too
// long. What is left stays in the folder for the next start; the error says how much it is, and why. No file may be finished
// any more.
func (u *Uploader) Close(ctx context.Context) error { return u.sender.close(ctx) }

// bucketName is what https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html lets a bucket be called.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ParseURL takes s3://bucket/prefix apart.
func ParseURL(url string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(url, "s3://")
	if !ok {
		return "", "", fmt.Errorf("%q is no s3://bucket/prefix", url)
	}
	bucket, prefix, _ = strings.Cut(rest, "/")
	switch {
	case !bucketName.MatchString(bucket):
		return "", "", fmt.Errorf("%q: %q is no bucket's name: want 3 to 63 lower-case letters, digits, dots and dashes", url, bucket)
	case strings.Contains("/"+prefix, "//"), strings.Contains("/"+prefix+"/", "/../"), strings.Contains("/"+prefix+"/", "/./"):
		return "", "", fmt.Errorf("%q: the prefix has a part that is empty, . or .. itself", url)
	}
	return bucket, strings.TrimSuffix(prefix, "/"), nil
}
