package output

import (
	"context"
	"fmt"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/send"
)

// alertTable is an output of alerts in Parquet files.
type alertTable struct {
	*parquet.AlertWriter
	name, place string
	bucket      *aws.Uploader // nil for a folder
}

// openTable opens an output to one folder or bucket.
func (o *Options) openTable(a *Alerts, place string, to AlertsConfig) error {
	cfg := parquet.Config{
		Dir: place, Rotate: o.parquet.rotate, MaxBytes: int64(o.parquet.size), Memory: o.alerts.share(to, len(o.alerts.tables())), Live: !to.Block,
		Log: to.Log,
	}
	if cfg.Memory < parquet.MinMemory {
		part, need := flags.Size(cfg.Memory), flags.Size(parquet.MinMemory)
		return flags.Usagef("--alert parquet:%s: its part of --memory is %v, and it needs %v: give more, or have fewer outputs", place, &part, &need)
	}
	out := &alertTable{name: a.nameOf("parquet"), place: place}
	if isBucket(place) {
		client, err := o.client(to.Context)
		if err != nil {
			return err
		}
		part := &spoolPart{&o.spool, o.spool.alertPart(o.alerts.spooled()), client}
		if out.bucket, err = openBucket("alerts-s3", place, Config{Log: to.Log, spool: part}, &cfg); err != nil {
			return err
		}
	}
	var err error
	out.AlertWriter, err = parquet.NewAlertWriter(cfg, parquet.AlertsConfig{
		Account: o.records.account, Region: o.records.region, Sink: hostname(), Block: to.Block,
	})
	if err != nil {
		leave(out.bucket)
		return fmt.Errorf("--alert: %w", err)
	}
	a.outputs = append(a.outputs, out)
	return nil
}

// Name returns the name of the output, as metrics show it.
func (t *alertTable) Name() string { return t.name }

// Counts returns what became of the alerts so far: those that are in a finished file count as sent.
func (t *alertTable) Counts() send.Counts {
	c := t.AlertWriter.Counts()
	return send.Counts{Taken: c.Taken, Sent: c.Written, Dropped: c.Dropped, Waiting: c.Waiting}
}

// LastError returns the place.
func (t *alertTable) LastError() (to string, why error) { return t.place, nil }

// Close finishes the files, and uploads them until ctx ends.
func (t *alertTable) Close(ctx context.Context) error {
	err := t.AlertWriter.Close(ctx)
	if t.bucket == nil {
		return err
	}
	if left := t.bucket.Close(ctx); err == nil {
		err = left
	}
	return err
}

// Delivered returns what became of the files for S3.
func (a *Alerts) Delivered() (sum spool.Counts) {
	for _, out := range a.outputs {
		if t, ok := out.(*alertTable); ok && t.bucket != nil {
			c := t.bucket.Counts()
			sum.Add(&c)
		}
	}
	return sum
}
