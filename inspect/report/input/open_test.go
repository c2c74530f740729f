package input_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report/input"
	"github.com/mirrorsink/mirrorsink/inspect/report/inputtest"
)

// allFields are the names of the fields that a mirror can know.
func allFields() (names []string) {
	for i := range flowlog.Fields {
		if flowlog.Fields[i].Known() {
			names = append(names, flowlog.Fields[i].Name)
		}
	}
	return names
}

// readFile returns the records of a file, and the error that ended the reading; nil at the end.
func readFile(t require.TestingT, o *input.Opener, name string, size int) (all []flowlog.Record, err error) {
	if o.BytesRead == nil {
		o.BytesRead = new(atomic.Int64)
	}
	r, err := o.Open(input.File{Name: name, Size: int64(size)})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		var record flowlog.Record
		if err := r.Read(&record); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return all, err
		}
		all = append(all, record)
	}
}

// anyRecords draws records.
func anyRecords(t *rapid.T) []flowlog.Record {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) flowlog.Record {
		addr := rapid.SampledFrom([]netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")})
		text := rapid.SampledFrom([]string{"", "a", "b c", "www.example.com"})
		a, b := addr.Draw(t, "src"), addr.Draw(t, "dst")
		r := flowlog.Record{
			AccountID: text.Draw(t, "account"), InterfaceID: text.Draw(t, "interface"), SrcAddr: a, DstAddr: b, PktSrcAddr: a, PktDstAddr: b,
			SrcPort: rapid.Uint16().Draw(t, "srcport"), DstPort: rapid.Uint16().Draw(t, "dstport"), Protocol: rapid.Uint8().Draw(t, "protocol"),
			Packets: rapid.Uint64Range(1, 1<<40).Draw(t, "packets"), Bytes: rapid.Uint64Range(1, 1<<50).Draw(t, "bytes"),
			Start: rapid.Int64Range(0, 1<<33).Draw(t, "start"), End: rapid.Int64Range(0, 1<<33).Draw(t, "end"), LogStatus: flowlog.OK, Action: flowlog.Accept,
			TCPFlags: rapid.Uint8().Draw(t, "flags"), Name: text.Draw(t, "name"), Unanswered: rapid.Bool().Draw(t, "unanswered"), Completeness: 0.25,
		}
		if rapid.Bool().Draw(t, "mirrored") {
			r.VNI, r.Mirrored = rapid.Uint32Range(0, 1<<24-1).Draw(t, "vni"), true
		}
		return r
	}), 0, 120).Draw(t, "records")
}

// TestFormatsAgree: records come back from lines, compressed lines and Parquet as they were written, and all bytes of the file
// are counted.
func TestFormatsAgree(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		want := anyRecords(t)
		lines := inputtest.Lines(want)
		for format, data := range map[string][]byte{
			"lines": lines, "gzip": inputtest.Gzip(t, lines), "parquet": inputtest.Parquet(t, want, inputtest.SmallPages...),
			"parquet, compressed more": inputtest.Parquet(t, want, parquet.Compression(&parquet.Zstd)),
		} {
			o := &input.Opener{Fields: allFields()}
			got, err := readFile(t, o, inputtest.File(t, dir, data), len(data))
			require.NoError(t, err, format)
			require.Len(t, got, len(want), format)
			for i := range want {
				require.Equal(t, want[i], got[i], "%s, record %d", format, i)
			}
			if len(want) > 0 {
				require.InDelta(t, len(data), o.BytesRead.Load(), 1, format)
			}
		}
	})
}

// TestParquetReadsWantedFields: only the fields that are asked for are set; the others keep their zero values.
func TestParquetReadsWantedFields(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		all := anyRecords(t)
		data := inputtest.Parquet(t, all)
		fields := rapid.Permutation(allFields()).Draw(t, "fields")[:rapid.IntRange(0, 5).Draw(t, "number")]
		got, err := readFile(t, &input.Opener{Fields: fields}, inputtest.File(t, dir, data), len(data))
		require.NoError(t, err)
		require.Len(t, got, len(all))
		for i := range all {
			empty := flowlog.Record{Completeness: math.NaN()}
			for j := range flowlog.Fields {
				f := &flowlog.Fields[j]
				if f.Pointer(&all[i]) == nil {
					continue // derived from other fields
				}
				want := &empty
				if slices.Contains(fields, f.Name) {
					want = &all[i]
				}
				require.Equal(t, string(f.AppendValue(nil, want)), string(f.AppendValue(nil, &got[i])), f.Name)
			}
		}
	})
}

// table encodes a Parquet file of one row of other columns than flow logs have.
func table(t require.TestingT, row any) []byte {
	var b bytes.Buffer
	w := parquet.NewWriter(&b)
	require.NoError(t, w.Write(row))
	require.NoError(t, w.Close())
	return b.Bytes()
}

// TestParquetOfOtherSchemas: a table without the columns of flow logs has no records; an older file without a column is read;
// a column of another type gives an error.
func TestParquetOfOtherSchemas(t *testing.T) {
	dir := t.TempDir()
	open := func(data []byte) ([]flowlog.Record, error) {
		return readFile(t, &input.Opener{Fields: []string{"bytes", "x-name", "srcaddr"}}, inputtest.File(t, dir, data), len(data))
	}
	_, err := open(table(t, struct {
		Name string `parquet:"name"`
	}{"a"}))
	require.ErrorIs(t, err, input.ErrNoRecords)

	got, err := open(table(t, struct {
		Srcaddr string `parquet:"srcaddr"`
		Bytes   int32  `parquet:"bytes"`
	}{"10.0.0.1", 5}))
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, uint64(5), got[0].Bytes)
	assert.Equal(t, "10.0.0.1", got[0].SrcAddr.String())

	_, err = open(table(t, struct {
		Srcaddr string `parquet:"srcaddr"`
		Bytes   string `parquet:"bytes"`
	}{"10.0.0.1", "5"}))
	require.EqualError(t, err, "column bytes is of type BYTE_ARRAY, not INT32")

	_, err = open(table(t, struct {
		Srcaddr string  `parquet:"srcaddr"`
		Bytes   []int32 `parquet:"bytes,list"`
	}{"10.0.0.1", []int32{5}}))
	require.EqualError(t, err, "column bytes is nested or repeated")

	got, err = open(table(t, struct {
		Srcaddr string `parquet:"srcaddr"`
		Bytes   int64  `parquet:"bytes"`
	}{"nonsense", -5}))
	require.NoError(t, err)
	assert.False(t, got[0].SrcAddr.IsValid())
	assert.Zero(t, got[0].Bytes)
}

// TestDetection: the format of lines is detected from their beginning.
func TestDetection(t *testing.T) {
	dir := t.TempDir()
	format, err := flowlog.Parse("${bytes} ${x-name}")
	require.NoError(t, err)
	bare := "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1024 443 6 2 84 1764057600 1764057610 ACCEPT OK\n"
	for _, c := range []struct {
		name, text string
		format     *flowlog.Format
		bytes      uint64
	}{
		{"AWS's default fields without a header", bare, nil, 84},
		{"a header", "x-name bytes\na 84\n", nil, 84},
		{"a header, though a format is given", "x-name bytes\na 84\n", format, 84},
		{"a format", "84 a\n", format, 84},
		{"empty lines before a header", "\r\n\r\nbytes\r\n84\r\n", nil, 84},
		{"EVE", "  \n" + flowLine(""), nil, 100},
	} {
		got, err := readFile(t, &input.Opener{Format: c.format}, inputtest.File(t, dir, []byte(c.text)), 0)
		require.NoError(t, err, c.name)
		require.Len(t, got, 1, c.name)
		assert.Equal(t, c.bytes, got[0].Bytes, c.name)
	}
	for _, text := range []string{"\x00", "a\x00b", "\x7fELF\x02\x01\x01\x00"} {
		_, err := readFile(t, &input.Opener{}, inputtest.File(t, dir, []byte(text)), 0)
		require.ErrorIs(t, err, input.ErrNoRecords, "%q", text)
	}
	got, err := readFile(t, &input.Opener{}, inputtest.File(t, dir, nil), 0)
	require.NoError(t, err)
	assert.Empty(t, got)
}

// defaultLine is a line in AWS's default format.
const defaultLine = "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1024 443 6 2 84 1764057600 1764057610 ACCEPT OK"

// noDataLine is one of a time without traffic.
const noDataLine = "2 123456789010 eni-1 - - - - - - - 1764057600 1764057610 - NODATA"

// TestDeliveries: lines are read as Firehose, subscriptions and exports of CloudWatch Logs deliver them, and events are too.
func TestDeliveries(t *testing.T) {
	quoted := func(line string) string {
		text, err := json.Marshal(line)
		require.NoError(t, err)
		return string(text)
	}
	event := func(line string) string { return `{"id":"3","timestamp":1764057600000,"message":` + quoted(line) + `}` }
	subscription := `{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[` +
		event(defaultLine) + `,` + event(noDataLine) + `]}`
	control := `{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logEvents":[{"id":"","timestamp":1764057600000,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}`
	for name, text := range map[string]string{
		"Firehose":                 `{"message":` + quoted(defaultLine) + "}\n" + `{"message": ` + quoted(noDataLine) + "}\n",
		"Firehose, no line ends":   `{"message":` + quoted(defaultLine) + `}{"message":` + quoted(noDataLine) + `}`,
		"a subscription":           control + subscription,
		"an export":                "2026-11-22T01:18:21.000Z " + defaultLine + "\n2026-11-22T01:18:21.123Z " + noDataLine + "\n",
		"an export without an end": "2026-11-22T01:18:21Z " + defaultLine + "\n2026-11-22T01:18:21Z " + noDataLine,
	} {
		for _, data := range [][]byte{[]byte(text), inputtest.Gzip(t, []byte(text)), append(inputtest.Gzip(t, []byte(text[:10])), inputtest.Gzip(t, []byte(text[10:]))...)} {
			got, err := readFile(t, &input.Opener{}, inputtest.File(t, t.TempDir(), data), len(data))
			require.NoError(t, err, name)
			require.Len(t, got, 2, name)
			require.EqualValues(t, 84, got[0].Bytes, name)
			require.False(t, got[1].HasData(), name)
		}
	}
	events := `{"message":` + quoted(strings.TrimSpace(flowLine(""))) + "}"
	got, err := readFile(t, &input.Opener{}, inputtest.File(t, t.TempDir(), []byte(events)), 0)
	require.NoError(t, err)
	require.Len(t, got, 1)
	for text, want := range map[string]string{
		`{"message":` + quoted(defaultLine) + `} {`: "a delivery of CloudWatch Logs or Firehose: unexpected EOF",
		`{"message":1}`:    "a delivery of CloudWatch Logs or Firehose: ",
		`{"a":"b"}` + "\n": input.ErrNoRecords.Error(),
		`{"message":` + quoted(defaultLine) + `}{"message":"` + strings.Repeat("x", 40<<20) + `"}`: "an object of more than 33554432 bytes",
	} {
		_, err := readFile(t, &input.Opener{}, inputtest.File(t, t.TempDir(), []byte(text)), 0)
		require.ErrorContains(t, err, want)
	}
}

// FuzzDelivery: any object gives records, or an error of one line.
func FuzzDelivery(f *testing.F) {
	f.Add(`{"message":"` + defaultLine + `"}`)
	f.Add(`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"` + defaultLine + `"}]}`)
	f.Add("2026-11-22T01:18:21.000Z " + defaultLine + "\n2026-11-22T01:18:21.000Z " + noDataLine)
	f.Fuzz(func(t *testing.T, text string) {
		o := input.Opener{Stdin: strings.NewReader(text), BytesRead: new(atomic.Int64)}
		r, err := o.Open(input.File{Name: "-"})
		for err == nil {
			var record flowlog.Record
			err = r.Read(&record)
			if line := new(flowlog.LineError); errors.As(err, &line) {
				require.NotContains(t, line.Error(), "\n")
				err = nil
			}
		}
		require.NotContains(t, err.Error(), "\n")
	})
}

// TestCustomFormats: files without log-status, byte counts or addresses are read, and what they do not have is known. Times may be
// timestamps of any unit.
func TestCustomFormats(t *testing.T) {
	read := func(data []byte) []flowlog.Record {
		got, err := readFile(t, &input.Opener{Fields: []string{"srcaddr", "dstaddr", "bytes", "start"}}, inputtest.File(t, t.TempDir(), data), len(data))
		require.NoError(t, err)
		require.Len(t, got, 2)
		require.True(t, got[0].HasData())
		require.False(t, got[1].HasData())
		require.Equal(t, "10.0.0.1", got[0].SrcAddr.String())
		return got
	}
	rows := func(all ...any) []byte {
		var b bytes.Buffer
		w := parquet.NewWriter(&b)
		for _, row := range all {
			require.NoError(t, w.Write(row))
		}
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	read([]byte("interface-id srcaddr dstaddr bytes packets\neni-1 10.0.0.1 10.0.0.2 84 2\neni-1 - - - -\n"))
	read([]byte("pkt-srcaddr pkt-dstaddr packets\n10.0.0.1 10.0.0.2 2\n- - -\n"))
	type plain struct {
		Srcaddr string `parquet:"srcaddr"`
		Packets int64  `parquet:"packets"`
	}
	read(rows(plain{"10.0.0.1", 2}, plain{"-", 0}))
	type inner struct {
		Srcaddr string `parquet:"pkt_srcaddr"`
		Bytes   int64  `parquet:"bytes"`
	}
	read(rows(inner{"10.0.0.1", 2}, inner{"-", 0}))
	type millis struct {
		Srcaddr string `parquet:"srcaddr"`
		Bytes   int64  `parquet:"bytes"`
		Start   int64  `parquet:"start,timestamp(millisecond)"`
	}
	type micros struct {
		Srcaddr string `parquet:"srcaddr"`
		Bytes   int64  `parquet:"bytes"`
		Start   int64  `parquet:"start,timestamp(microsecond)"`
	}
	type nanos struct {
		Srcaddr string `parquet:"srcaddr"`
		Bytes   int64  `parquet:"bytes"`
		Start   int64  `parquet:"start,timestamp(nanosecond)"`
	}
	for _, data := range [][]byte{
		rows(millis{"10.0.0.1", 2, 1764057600_000}, millis{}), rows(micros{"10.0.0.1", 2, 1764057600_000000}, micros{}),
		rows(nanos{"10.0.0.1", 2, 1764057600_000000000}, nanos{}),
	} {
		require.EqualValues(t, 1764057600, read(data)[0].Start)
	}
}

// TestDamagedParquet: a Parquet file that is cut or changed anywhere gives an error or records, and neither panics nor blocks.
func TestDamagedParquet(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		data := inputtest.Parquet(t, anyRecords(t), inputtest.SmallPages...)
		at := rapid.IntRange(4, len(data)-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "cut") {
			data = data[:at]
		} else {
			data[at] ^= rapid.ByteRange(1, 255).Draw(t, "by")
		}
		all, err := readFile(t, &input.Opener{Fields: allFields()}, inputtest.File(t, dir, data), len(data))
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
		}
		require.LessOrEqual(t, len(all), 1000)
	})
}
