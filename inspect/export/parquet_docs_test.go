package export_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
)

// TestParquetDocs: docs/parquet.md has each table's columns with their types, all of them, in the files' order.
func TestParquetDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/parquet.md")
	require.NoError(t, err)
	for title, file := range map[string]*parquet.File{
		"Flow records": flowFile(t, export.AWSSchema), "DNS answers": dnsFile(t), "Security Lake": flowFile(t, export.OCSFSchema),
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

// columnTypes is a file's columns and their types in Athena's words.
func columnTypes(file *parquet.File) (columns []string) {
	for _, c := range file.Metadata().RowGroups[0].Columns {
		e := format.SchemaElement{}
		e.Type.Set(c.MetaData.Type)
		columns = append(columns, strings.Join(c.MetaData.PathInSchema, ".")+" "+athenaType(&e))
	}
	return columns
}

func flowFile(t *testing.T, schema export.ParquetSchema) *parquet.File {
	dir := t.TempDir()
	writeParquet(t, config(dir, func(c *export.ParquetConfig) { c.Schema = schema }), busyRecords(2))
	_, file := readParquet(t, filepath.Join(dir, finished(t, dir)[0]))
	return file
}

func dnsFile(t *testing.T) *parquet.File {
	dir := t.TempDir()
	table, err := export.NewDNSTable(config(dir), export.DNSConfig{})
	require.NoError(t, err)
	b := &event.Batch{}
	b.Events = append(b.Events, dnsResponse(b, "NOERROR"))
	q := export.NewQueue(export.QueueConfig{Kinds: export.DNSKinds, Consumer: table.Consumer, Bytes: 1 << 20})
	q.Events(b)
	_, err = q.Close(t.Context())
	require.NoError(t, err)
	_, file := readParquet(t, filepath.Join(dir, finished(t, dir)[0]))
	return file
}
