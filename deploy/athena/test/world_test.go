//go:build cgo

package athena_test

import (
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// captures are replayed into the tables. They are from 22 November 2026.
const (
	captures   = "../../../testdata/"
	captureDay = "2026/11/22"
)

// owners is an inventory of one interface, that of the captures, without the other end that some captures have.
type owners struct{}

const otherEnd = 102 // the VNI of its session

func (owners) Generation() uint64 { return 1 }
func (owners) Owner(_ netip.Addr, vni uint32) *event.Owner {
	if vni == otherEnd {
		return nil
	}
	return &event.Owner{
		ENI: "eni-0a1b2c3d4e5f60001", Instance: "i-0a1b2c3d4e5f60001", VPC: "vpc-0a1b2c3d4e5f60000", Subnet: "subnet-0a1b2c3d4e5f60000",
		Region: "eu-west-1", ZoneID: "euw1-az1", Account: "111122223333", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10")},
	}
}

// parquetConfig writes small row groups and files, so that there are several of each.
func parquetConfig(dir string) parquet.Config {
	return parquet.Config{Dir: dir, Rotate: 5 * time.Minute, MaxBytes: 1 << 20, Memory: parquet.MinMemory, Log: slog.New(slog.DiscardHandler)}
}

// replay inspects a capture, mirrored or plain, and puts its events into queues, which it closes.
func replay(t testing.TB, file string, queues ...*export.Queue) {
	src, err := capture.Open(file)
	require.NoError(t, err)
	defer src.Close()
	w := inspect.New(inspect.Config{
		Memory: inspect.Share(4 << 20), Owners: owners{}, Interval: time.Minute,
	}, src, fan(queues))
	var damaged *capture.CorruptError
	if err := w.Run(); err != nil && !errors.As(err, &damaged) {
		require.NoError(t, err)
	}
	for _, q := range queues {
		lost, err := q.Close(t.Context())
		require.NoError(t, err)
		require.Zero(t, lost)
	}
}

// fan puts each batch into all queues.
type fan []*export.Queue

func (f fan) Events(b *event.Batch) {
	for _, q := range f {
		b.Retain()
		q.Events(b)
	}
	b.Release()
}

func queueConfig() export.QueueConfig {
	return export.QueueConfig{Bytes: 1 << 20, Block: true, Log: slog.New(slog.DiscardHandler)}
}

// flowQueue writes flow records, dnsQueue the answers of DNS, eveQueue EVE.
func flowQueue(t testing.TB, cfg parquet.Config) *export.Queue {
	p, err := parquet.NewFlowWriter(cfg)
	require.NoError(t, err)
	q := queueConfig()
	q.Kinds, q.Consumer = records.Kinds, p.Consumer(records.NewBuilder(records.Config{CommunityID: true}))
	return export.NewQueue(q)
}

func dnsQueue(t testing.TB, cfg parquet.Config) *export.Queue {
	table, err := parquet.NewDNSWriter(cfg, parquet.DNSConfig{})
	require.NoError(t, err)
	q := queueConfig()
	q.Kinds, q.Consumer = parquet.DNSKinds, table.Consumer
	return export.NewQueue(q)
}

func eveQueue(t testing.TB, file string) *export.Queue {
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
	out, err := export.OpenOutput(file)
	require.NoError(t, err)
	q := queueConfig()
	q.Kinds, q.Output, q.Encoder = eve.Kinds, out, &eve.Writer{}
	return export.NewQueue(q)
}

// readRecords reads flow log lines of testdata.
func readRecords(t testing.TB, file string) (records []flowlog.Record) {
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	r, err := flowlog.NewReader(f, nil)
	require.NoError(t, err)
	for {
		var rec flowlog.Record
		err := r.Read(&rec)
		if errors.Is(err, io.EOF) {
			return records
		}
		require.NoError(t, err)
		records = append(records, rec)
	}
}

// recordList is a RecordSource of given records, one for each event.
type recordList []flowlog.Record

func (l *recordList) Records(*event.Batch, *event.Event) []flowlog.Record {
	first := (*l)[:1]
	*l = (*l)[1:]
	return first
}

func (l *recordList) Lost(uint64) {}

// writeRecords writes records as the program does.
func writeRecords(t testing.TB, cfg parquet.Config, list []flowlog.Record) {
	w, err := parquet.NewFlowWriter(cfg)
	require.NoError(t, err)
	source := recordList(list)
	q := queueConfig()
	q.Kinds, q.Consumer = records.Kinds, w.Consumer(&source)
	queue := export.NewQueue(q)
	b := &event.Batch{Events: make([]event.Event, len(list))}
	for i := range b.Events {
		b.Events[i].Kind = event.Interval
	}
	queue.Events(b)
	lost, err := queue.Close(t.Context())
	require.NoError(t, err)
	require.Zero(t, lost)
	require.NoError(t, queue.Err())
}

// writeWorld writes a folder with the layout of a bucket: the records of testdata, and the DNS answers and EVE events of captures.
func writeWorld(t testing.TB, dir string) {
	cfg := parquetConfig(dir)
	writeRecords(t, cfg, readRecords(t, "../../testdata/flows.txt"))
	replay(t, captures+"mirror-dns.pcap", dnsQueue(t, cfg))
	replay(t, captures+"mirror-tls.pcap", dnsQueue(t, cfg), eveQueue(t, filepath.Join(dir, "eve", captureDay, "eve.json")))
}
