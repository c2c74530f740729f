package flowlog_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// TestDefault: the samples of AWS's page are written as they were read.
func TestDefault(t *testing.T) {
	samples := `version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK
2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK
2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA
2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA
2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK
`
	r, err := flowlog.NewReader(strings.NewReader(samples), nil)
	require.NoError(t, err)
	assert.Equal(t, samples, string(reprinted(t, r, flowlog.Default)))
	assert.Equal(t, "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "+
		"${bytes} ${start} ${end} ${action} ${log-status}", flowlog.Default.String())
}

// reprinted returns the header and the records of a file in a format.
func reprinted(t *testing.T, r *flowlog.Reader, f *flowlog.Format) []byte {
	out := f.AppendHeader(nil)
	var rec flowlog.Record
	for {
		err := r.Read(&rec)
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out = f.AppendText(out, &rec)
	}
}

// TestVersions: a record's version is the highest version of its fields. Ours have none.
func TestVersions(t *testing.T) {
	for format, want := range map[string]string{
		"${version}":                       "2",
		"${version} ${account-id}":         "2 -",
		"${vpc-id} ${version}":             "- 3",
		"${version} ${az-id} ${tcp-flags}": "4 - 0",
		"${version} ${traffic-path}":       "5 -",
		"${version} ${ecs-task-id}":        "7 -",
		"version encryption-status":        "10 -",
		"version interface-type":           "11 -",
		"version x-name x-vni":             "2 - -",
	} {
		f, err := flowlog.Parse(format)
		require.NoError(t, err, format)
		assert.Equal(t, want+"\n", string(f.AppendText(nil, &flowlog.Record{})), format)
	}
}

func TestParseErrors(t *testing.T) {
	for format, want := range map[string]string{
		"":                      "no fields: want some such as ${account-id}, in single quotes",
		"${version} ${acount}":  `unknown field "acount"`,
		"version,action":        `unknown field "version,action"`,
		"${version}${action}":   `unknown field "version}${action"`,
		"${version} ${version}": `field "version" is there twice`,
		"${version ${action}":   `"${version": want fields such as ${account-id}, with spaces between`,
	} {
		_, err := flowlog.Parse(format)
		assert.EqualError(t, err, want)
	}
	var unknown *flowlog.UnknownFieldError
	_, err := flowlog.Parse("${acount}")
	require.ErrorAs(t, err, &unknown)
	assert.Equal(t, "acount", unknown.Name)
}

// TestFieldTable: AWS's fields have AWS's types, and all names are unique.
func TestFieldTable(t *testing.T) {
	int32s := []string{"version", "srcport", "dstport", "protocol", "tcp-flags", "traffic-path"}
	int64s := []string{"packets", "bytes", "start", "end"}
	seen, last := map[string]bool{}, uint8(2)
	for i := range flowlog.Fields {
		f := &flowlog.Fields[i]
		assert.False(t, seen[f.Name], f.Name)
		seen[f.Name] = true
		assert.Same(t, f, flowlog.Lookup(f.Name))
		assert.Equal(t, f.Ours(), strings.HasPrefix(f.Name, "x-"), f.Name)
		if f.Ours() {
			last = math.MaxUint8
			continue
		}
		assert.GreaterOrEqual(t, f.Version, last, f.Name)
		last = f.Version
		switch {
		case contains(int32s, f.Name):
			assert.Equal(t, flowlog.Int32, f.Type, f.Name)
		case contains(int64s, f.Name):
			assert.Equal(t, flowlog.Int64, f.Type, f.Name)
		default:
			assert.Equal(t, flowlog.String, f.Type, f.Name)
		}
	}
	assert.Equal(t, "pkt_src_aws_service", flowlog.Lookup("pkt-src-aws-service").Column())
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// record draws any record that can be written. Texts have bytes that need escapes.
func record(t *rapid.T) flowlog.Record {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab-% \t\n\r\"[]é\x00\x7f.,2D")), 0, 12, -1)
	address := rapid.Custom(func(t *rapid.T) netip.Addr {
		if rapid.Bool().Draw(t, "v4") {
			return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "addr")))
		}
		return netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "addr")))
	})
	return flowlog.Record{
		AccountID: text.Draw(t, "account"), InterfaceID: text.Draw(t, "interface"),
		SrcAddr: address.Draw(t, "src"), DstAddr: address.Draw(t, "dst"),
		SrcPort: rapid.Uint16().Draw(t, "sport"), DstPort: rapid.Uint16().Draw(t, "dport"), Protocol: rapid.Uint8().Draw(t, "proto"),
		Packets: rapid.Uint64Range(0, math.MaxInt64).Draw(t, "packets"), Bytes: rapid.Uint64Range(0, math.MaxInt64).Draw(t, "bytes"),
		Start: rapid.Int64Range(0, math.MaxInt64).Draw(t, "start"), End: rapid.Int64Range(0, math.MaxInt64).Draw(t, "end"),
		Action: text.Draw(t, "action"), LogStatus: flowlog.OK,
		VPCID: text.Draw(t, "vpc"), SubnetID: text.Draw(t, "subnet"), InstanceID: text.Draw(t, "instance"),
		TCPFlags: rapid.Uint8().Draw(t, "flags"), PktSrcAddr: address.Draw(t, "pkt src"), PktDstAddr: address.Draw(t, "pkt dst"),
		Region: text.Draw(t, "region"), AZID: text.Draw(t, "az"), PktSrcAWSService: text.Draw(t, "service"),
		FlowDirection: text.Draw(t, "direction"), InterfaceType: text.Draw(t, "type"),
		Name: text.Draw(t, "name"), NameSource: text.Draw(t, "source"), SNI: text.Draw(t, "sni"), DNSName: text.Draw(t, "dns"),
		AppProto: text.Draw(t, "app"), JA4: text.Draw(t, "ja4"), Initiator: text.Draw(t, "initiator"),
		InitiatorReason: text.Draw(t, "reason"), Unanswered: rapid.Bool().Draw(t, "unanswered"),
		DirectToAddress: text.Draw(t, "direct"), Completeness: rapid.Float64Range(0, 1).Draw(t, "completeness"),
		CommunityID: text.Draw(t, "community"), VNI: rapid.Uint32Range(0, 1<<24-1).Draw(t, "vni"), Mirrored: true,
		Truncated: rapid.Bool().Draw(t, "truncated"),
	}
}

// TestRoundTrip: the line of any record has a token for each field, and is read as the same record.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := record(t)
		all := flowlog.All()
		line := all.AppendText(nil, &want)
		assert.Equal(t, 1, bytes.Count(line, []byte("\n")))
		assert.Len(t, strings.Split(strings.TrimSuffix(string(line), "\n"), " "), len(all.Fields()))
		assert.NotContains(t, string(line), `"`)
		assert.NotContains(t, string(line), `[`)

		r, err := flowlog.NewReader(bytes.NewReader(append(all.AppendHeader(nil), line...)), nil)
		require.NoError(t, err)
		var got flowlog.Record
		require.NoError(t, r.Read(&got))
		assert.Equal(t, want, got)
		assert.ErrorIs(t, r.Read(&got), io.EOF)
	})
}

// TestReaderTolerates: unknown fields, concatenated files, CRLF and gzip are read.
func TestReaderTolerates(t *testing.T) {
	text := "action future-field bytes\r\nACCEPT what 5\r\n\r\naction future-field bytes\r\nREJECT - 6\r\n"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	format, err := flowlog.Parse("${action} ${bytes}")
	require.NoError(t, err)
	for _, in := range []string{text, zipped.String()} {
		r, err := flowlog.NewReader(strings.NewReader(in), nil)
		require.NoError(t, err)
		assert.Equal(t, "action bytes\nACCEPT 5\nREJECT 6\n", string(reprinted(t, r, format)))
	}
	r, err := flowlog.NewReader(strings.NewReader("ACCEPT 5\n"), format)
	require.NoError(t, err)
	assert.Equal(t, "action bytes\nACCEPT 5\n", string(reprinted(t, r, format)))
}

// TestCorruptLines: each error has the line's number, and the lines after it are read.
func TestCorruptLines(t *testing.T) {
	text := "action bytes srcaddr\nACCEPT 5\nACCEPT x -\nACCEPT 5 1.2.3.4 6\nACCEPT 5 1.2.3\n" + strings.Repeat("x", 1<<17) + "\nACCEPT 7 -\n"
	r, err := flowlog.NewReader(strings.NewReader(text), nil)
	require.NoError(t, err)
	var rec flowlog.Record
	for _, want := range []string{
		"line 2: 2 fields, want 3 with a space between", `line 3: bytes "x": want a number`, "line 4: 4 fields, want 3 with a space between",
		`line 5: srcaddr "1.2.3": want an address`, "line 6: longer than 65536 bytes",
	} {
		err := r.Read(&rec)
		var line *flowlog.LineError
		require.ErrorAs(t, err, &line)
		assert.EqualError(t, err, want)
	}
	require.NoError(t, r.Read(&rec))
	assert.Equal(t, uint64(7), rec.Bytes)
	assert.ErrorIs(t, r.Read(&rec), io.EOF)

	_, err = flowlog.NewReader(strings.NewReader("1 2 3\n"), nil)
	assert.EqualError(t, err, "line 1: no header line, and not the default format: name the format")
	_, err = flowlog.NewReader(strings.NewReader("\x1f\x8bnonsense"), nil)
	assert.Error(t, err)
	_, err = flowlog.NewReader(strings.NewReader(""), nil)
	assert.NoError(t, err)
}

// sample is a typical record.
var sample = flowlog.Record{
	AccountID: "123456789012", InterfaceID: "eni-0123456789abcdef0", SrcAddr: netip.MustParseAddr("10.0.1.10"),
	DstAddr: netip.MustParseAddr("198.51.100.10"), SrcPort: 36654, DstPort: 443, Protocol: 6, Packets: 11, Bytes: 1337,
	Start: 1700000000, End: 1700000059, Action: flowlog.Accept, LogStatus: flowlog.OK, TCPFlags: 3, Name: "api.example.com",
	NameSource: "sni", CommunityID: "1:1YurrXrZoYPpP515GWBxK7s0T+M=", Completeness: 1,
}

func TestNoAllocations(t *testing.T) {
	all := flowlog.All()
	buf := all.AppendText(nil, &sample)
	assert.Zero(t, testing.AllocsPerRun(100, func() { buf = all.AppendText(buf[:0], &sample) }))
}

func BenchmarkAppendText(b *testing.B) {
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf = flowlog.Default.AppendText(buf[:0], &sample)
	}
}

func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	text := flowlog.Default.AppendHeader(nil)
	for range 1000 {
		text = flowlog.Default.AppendText(text, &sample)
	}
	var rec flowlog.Record
	for b.Loop() {
		r, err := flowlog.NewReader(bytes.NewReader(text), nil)
		require.NoError(b, err)
		for range 1000 {
			require.NoError(b, r.Read(&rec))
		}
	}
}
