package parquet_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// TestParquetDocs: docs/parquet.md lists all columns of each table with their types, in the order of the files.
func TestParquetDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/parquet.md")
	require.NoError(t, err)
	for title, file := range map[string]*pq.File{
		"Flow records": flowFile(t, parquet.AWS), "DNS answers": dnsFile(t), "Security Lake": flowFile(t, parquet.OCSF),
		"Alerts": alertFile(t),
	} {
		_, rest, found := strings.Cut(string(page), "\n## "+title+"\n")
		require.True(t, found, title)
		section, _, _ := strings.Cut(rest, "\n## ")
		var got []string
		for _, row := range regexp.MustCompile("(?m)^\\| (`.*`) \\| ([a-z]+) \\|").FindAllStringSubmatch(section, -1) {
			for name := range strings.SplitSeq(row[1], ", ") {
				got = append(got, strings.Trim(name, "`")+" "+row[2])
			}
		}
		assert.Equal(t, columnTypes(file), got, title)
	}
}

// columnTypes returns the columns of a file with Athena's names of their types.
func columnTypes(file *pq.File) (columns []string) {
	for _, c := range file.Metadata().RowGroups[0].Columns {
		e := format.SchemaElement{}
		e.Type.Set(c.MetaData.Type)
		columns = append(columns, strings.Join(c.MetaData.PathInSchema, ".")+" "+athenaType(&e))
	}
	return columns
}

func flowFile(t *testing.T, schema parquet.Schema) *pq.File {
	dir := t.TempDir()
	writeFlows(t, config(dir, func(c *parquet.Config) { c.Schema = schema }), eventtest.BusyRecords(2))
	_, file := readParquet(t, filepath.Join(dir, finished(t, dir)[0]))
	return file
}

func alertFile(t *testing.T) *pq.File {
	dir := t.TempDir()
	w, err := parquet.NewAlertWriter(config(dir), parquet.AlertsConfig{})
	require.NoError(t, err)
	w.Alert(finding(alert.Opened, "evil.example"))
	require.NoError(t, w.Close(t.Context()))
	_, file := readParquet(t, filepath.Join(dir, finished(t, dir)[0]))
	return file
}

func dnsFile(t *testing.T) *pq.File {
	dir := t.TempDir()
	table, err := parquet.NewDNSWriter(config(dir), parquet.DNSConfig{})
	require.NoError(t, err)
	b := &event.Batch{}
	b.Events = append(b.Events, dnsResponse(b, "NOERROR"))
	q := export.NewQueue(export.QueueConfig{Kinds: parquet.DNSKinds, Consumer: table.Consumer, Bytes: 1 << 20})
	q.Events(b)
	_, err = q.Close(t.Context())
	require.NoError(t, err)
	_, file := readParquet(t, filepath.Join(dir, finished(t, dir)[0]))
	return file
}
