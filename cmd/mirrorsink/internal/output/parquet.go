package output

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// parquetOptions are the outputs of tables in Parquet files: flow log records, and the answers of DNS beside them.
type parquetOptions struct {
	to     []string // folders, and s3://bucket/prefix
	schema parquetSchema
	rotate time.Duration
	size   flags.Size
}

// The defaults are AWS's: a file every five minutes, split at 75 MB.
const (
	defaultParquetRotate = 5 * time.Minute
	defaultParquetSize   = 75e6
)

func (o *parquetOptions) addTo(f *pflag.FlagSet) {
	o.rotate, o.size = defaultParquetRotate, defaultParquetSize
	g := flags.In(f, flags.Outputs)
	g.Strings(&o.to, "parquet", "DIR", "write flow log records and DNS answers as Parquet files to a folder or to s3://BUCKET/PREFIX (repeatable)")
	g.Var(&o.schema, "parquet-schema", "SCHEMA", "schema of flow log records: aws, or ocsf for Security Lake")
	g.Duration(&o.rotate, "parquet-rotate", "begin new Parquet files this often")
	g.Hidden(&o.size, "parquet-size", "SIZE", "begin a new Parquet file before one grows larger than this")
}

func (o *parquetOptions) check() error {
	for _, to := range o.to {
		if err := checkPlace("--parquet ", to); err != nil {
			return err
		}
	}
	if o.rotate < parquet.MinRotate || o.rotate%time.Second != 0 {
		return flags.Usagef("--parquet-rotate %v: want whole seconds, such as 5m", o.rotate)
	}
	if least := flags.Size(parquet.MinBytes); o.size < least {
		return flags.Usagef("--parquet-size %v: want %v at least", &o.size, &least)
	}
	return nil
}

// checkPlace reports a place for Parquet files that cannot be. The text before it on the command line begins the message.
func checkPlace(before, place string) error {
	if !isBucket(place) {
		return flags.CheckPath(strings.TrimSpace(before), place, "s3://BUCKET/PREFIX or a folder")
	}
	if _, _, err := aws.ParseURL(place); err != nil {
		return flags.Usagef("%s%w", before, err)
	}
	return nil
}

func isBucket(spec string) bool { return strings.HasPrefix(spec, "s3://") }

// tables is how many tables each place gets. Security Lake has no place for DNS answers of ours.
func (o *parquetOptions) tables() int {
	if o.schema == parquetSchema(parquet.OCSF) {
		return 1
	}
	return 2
}

func (o *parquetOptions) count() int { return len(o.to) * o.tables() }

// buckets is how many of the places are in S3.
func (o *parquetOptions) buckets() (n int) {
	for _, to := range o.to {
		if isBucket(to) {
			n++
		}
	}
	return n
}

func (o *parquetOptions) open(to Config) (all []Output, err error) {
	for _, spec := range o.to {
		some, err := o.openPlace(spec, to)
		all = append(all, some...)
		if err != nil {
			Close(all)
			return nil, err
		}
	}
	return all, nil
}

// openPlace opens the outputs to one folder or bucket. After an error the caller closes those that it returns.
func (o *parquetOptions) openPlace(spec string, to Config) (all []Output, err error) {
	cfg := parquet.Config{
		Dir: spec, Schema: parquet.Schema(o.schema), Rotate: o.rotate, MaxBytes: int64(o.size), Memory: to.Bytes / 4 * 3,
		Live: !to.Block, Log: to.Log,
	}
	if to.Bytes < 2*parquet.MinMemory {
		part, need := flags.Size(to.Bytes), flags.Size(2*parquet.MinMemory)
		return nil, flags.Usagef("--parquet %s: its part of --memory is %v, and it needs %v: give more, or have fewer outputs", spec, &part, &need)
	}
	queue := export.QueueConfig{Bytes: to.Bytes - cfg.Memory, Block: to.Block, Log: to.Log}
	to.Record.CommunityID = true // there is a column for it
	var bucket *aws.Uploader
	if isBucket(spec) {
		if bucket, err = openBucket("s3", spec, to, &cfg); err != nil {
			return nil, err
		}
	}
	flows, err := parquet.NewFlowWriter(cfg)
	if err != nil {
		leave(bucket)
		return nil, err
	}
	queue.Kinds, queue.Consumer = records.Kinds, flows.Consumer(records.NewBuilder(to.Record))
	all = append(all, tableOutput(export.NewQueue(queue), bucket))
	if o.tables() == 1 {
		return all, nil
	}
	answers, err := parquet.NewDNSWriter(cfg, parquet.DNSConfig{Account: to.Record.Account, Region: to.Record.Region})
	if err != nil {
		return all, err
	}
	queue.Kinds, queue.Consumer = parquet.DNSKinds, answers.Consumer
	return append(all, export.NewQueue(queue)), nil
}

// openBucket opens the upload of finished files to a bucket, and sets the folder for them in the spool.
func openBucket(purpose, url string, to Config, cfg *parquet.Config) (*aws.Uploader, error) {
	bucket, prefix, err := aws.ParseURL(url)
	if err != nil {
		return nil, err
	}
	cfg.Dir = to.spool.folder(purpose, bucket+"/"+prefix)
	u, err := to.spool.client.NewUploader(aws.UploadConfig{
		Bucket: bucket, Prefix: prefix, Dir: cfg.Dir, Bytes: to.spool.bytes, Records: parquet.Rows, Log: to.Log,
	})
	if err == nil {
		cfg.Done = func(f parquet.File) { u.Finished(f.Path, f.Rows) }
	}
	return u, err
}

// leave closes a bucket that is not used after all. It may be nil.
func leave(bucket *aws.Uploader) {
	if bucket != nil {
		_ = bucket.Close(canceled()) // what an earlier run has left stays
	}
}

func tableOutput(q *export.Queue, bucket *aws.Uploader) Output {
	if bucket == nil {
		return q
	}
	return bucketOutput{q, bucket}
}

// bucketOutput is the output of flow log records to a bucket. The DNS answers for it are a separate output, whose files are uploaded with
// these.
type bucketOutput struct {
	*export.Queue
	uploader *aws.Uploader
}

var _ Delivery = bucketOutput{}

func (o bucketOutput) Deliver(ctx context.Context) error { return o.uploader.Close(ctx) }

func (o bucketOutput) Delivered() (Service, spool.Counts) { return S3, o.uploader.Counts() }

func (o bucketOutput) Trouble() (to string, why error) { return o.uploader.LastError() }

// parquetSchema is a flag for a schema.
type parquetSchema parquet.Schema

var schemaNames = [...]string{parquet.AWS: "aws", parquet.OCSF: "ocsf"}

// Set takes a schema's name.
func (s *parquetSchema) Set(text string) error {
	for i, name := range schemaNames {
		if text == name {
			*s = parquetSchema(i)
			return nil
		}
	}
	return errors.New("want aws or ocsf")
}

// String returns the schema's name.
func (s *parquetSchema) String() string { return schemaNames[*s] }

// Values returns the names.
func (*parquetSchema) Values() []string { return schemaNames[:] }

// Type implements pflag.Value.
func (*parquetSchema) Type() string { return "schema" }
