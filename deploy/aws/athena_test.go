package aws_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const athena = "../athena/"

var (
	remark       = regexp.MustCompile(`(?m)^--.*\n`)
	createTable  = regexp.MustCompile(`(?s)^CREATE EXTERNAL TABLE IF NOT EXISTS (\w+) \(\n(.*?)\n\)\nPARTITIONED BY \(\n(.*?)\n\)\n`)
	tableColumn  = regexp.MustCompile("^`?([A-Za-z0-9_-]+)`? (.+)$")
	serde        = regexp.MustCompile(`(?s)ROW FORMAT SERDE '([^']+)'(?: *\n *WITH SERDEPROPERTIES \((.*?)\))?`)
	inputFormat  = regexp.MustCompile(`INPUTFORMAT '([^']+)'`)
	outputFormat = regexp.MustCompile(`OUTPUTFORMAT '([^']+)'`)
	location     = regexp.MustCompile(`LOCATION '([^']+)'`)
	property     = regexp.MustCompile(`(?m)^  '([^']+)' = '([^']*)',?$`)
	blanks       = regexp.MustCompile(`\s+`)
)

// TestAthenaTemplate: athena.yaml has the tables, views and queries of deploy/athena, and nothing else.
func TestAthenaTemplate(t *testing.T) {
	want := athenaTemplate(t)
	if *update {
		require.NoError(t, os.WriteFile("athena.yaml", []byte(want), 0o644))
	}
	require.Equal(t, want, readFile(t, "athena.yaml"), "deploy/athena changed: go test ./deploy/aws -update")
}

const athenaHead = `AWSTemplateFormatVersion: "2010-09-09"
Description: The tables, views and queries of deploy/athena over the records of mirrorsink, and a workgroup for them. See docs/deploy.md.

# Written from deploy/athena by "go test ./deploy/aws -update". Do not edit.

Parameters:
  Bucket:
    Type: String
    AllowedPattern: ^[a-z0-9.-]+$
    Description: the bucket with the records, Bucket of the stack of mirrorsink.yaml
  FlowLogBucket:
    Type: String
    Default: ""
    AllowedPattern: ^([a-z0-9.-]+)?$
    Description: a bucket with VPC Flow Logs in Parquet files and Hive-compatible prefixes, if there is one
  Accounts:
    Type: String
    Default: ""
    Description: the accounts of the records, separated by commas; this account if empty
  Regions:
    Type: String
    Default: ""
    Description: the regions of the records, separated by commas; this region if empty
  Database:
    Type: String
    Default: mirrorsink
    AllowedPattern: ^[a-z0-9_]+$
  ScanLimit:
    Type: Number
    Default: 107374182400
    MinValue: 10485760
    Description: a query that reads more bytes than this is ended

Conditions:
  ThisAccount: !Equals [!Ref Accounts, ""]
  ThisRegion: !Equals [!Ref Regions, ""]
  NoFlowLogs: !Equals [!Ref FlowLogBucket, ""]

Resources:
  Catalog:
    Type: AWS::Glue::Database
    Properties: {CatalogId: !Ref AWS::AccountId, DatabaseInput: {Name: !Ref Database}}

  Questions:
    Type: AWS::Athena::WorkGroup
    Properties:
      Name: !Ref Database
      RecursiveDeleteOption: true
      WorkGroupConfiguration:
        EnforceWorkGroupConfiguration: true
        PublishCloudWatchMetricsEnabled: true
        BytesScannedCutoffPerQuery: !Ref ScanLimit
        ResultConfiguration: {OutputLocation: !Sub "s3://${Bucket}/athena-results/", EncryptionConfiguration: {EncryptionOption: SSE_S3}}
`

func athenaTemplate(t *testing.T) string {
	var b strings.Builder
	b.WriteString(athenaHead)
	for _, file := range files(t, athena+"0*.sql") {
		text := remark.ReplaceAllString(readFile(t, file), "")
		if strings.HasPrefix(text, "CREATE EXTERNAL TABLE") {
			b.WriteString(glueTable(t, text))
		}
	}
	for _, pattern := range []string{"0*.sql", "queries/*.sql", "scheduled/*.sql"} {
		for _, file := range files(t, athena+pattern) {
			text := readFile(t, file)
			if !strings.Contains(text, "CREATE EXTERNAL TABLE") {
				b.WriteString(namedQuery(strings.TrimSuffix(filepath.Base(file), ".sql"), text))
			}
		}
	}
	return b.String()
}

func files(t *testing.T, pattern string) []string {
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, names, pattern)
	return names
}

// glueTable is a table of Glue for a statement. Glue has names of columns in small letters, also in the properties of partitions.
func glueTable(t *testing.T, text string) string {
	m := createTable.FindStringSubmatch(text)
	require.NotNil(t, m, text)
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %s:\n    Type: AWS::Glue::Table\n    Properties:\n      CatalogId: !Ref AWS::AccountId\n      DatabaseName: !Ref Catalog\n", camel(m[1]))
	fmt.Fprintf(&b, "      TableInput:\n        Name: %s\n        TableType: EXTERNAL_TABLE\n        PartitionKeys:\n", m[1])
	partitions := glueColumns(t, m[3])
	for _, p := range partitions {
		fmt.Fprintf(&b, "          - {Name: %s, Type: %s}\n", strings.ToLower(p[0]), p[1])
	}
	b.WriteString("        Parameters:\n          EXTERNAL: \"TRUE\"\n")
	properties := property.FindAllStringSubmatch(text[strings.Index(text, "TBLPROPERTIES"):], -1)
	require.NotEmpty(t, properties)
	for _, p := range properties {
		fmt.Fprintf(&b, "          %s: %s\n", lowerPartitions(p[1], partitions), glueValue(lowerPartitions(p[2], partitions)))
	}
	fmt.Fprintf(&b, "        StorageDescriptor:\n          Location: %s\n", glueValue(location.FindStringSubmatch(text)[1]))
	s := serde.FindStringSubmatch(text)
	require.NotNil(t, s)
	input, output := "org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat" // what Athena has where a statement says nothing
	if in := inputFormat.FindStringSubmatch(text); in != nil {
		input, output = in[1], outputFormat.FindStringSubmatch(text)[1]
	}
	fmt.Fprintf(&b, "          InputFormat: %s\n          OutputFormat: %s\n          SerdeInfo: {SerializationLibrary: %s%s}\n          Columns:\n", input, output, s[1], serdeParameters(s[2]))
	for _, c := range glueColumns(t, m[2]) {
		fmt.Fprintf(&b, "            - {Name: %s, Type: %s}\n", c[0], glueType(c[1]))
	}
	return b.String()
}

func glueColumns(t *testing.T, text string) (columns [][2]string) {
	text = regexp.MustCompile(`\n {3,}`).ReplaceAllString(text, " ") // fields of structs
	for line := range strings.SplitSeq(text, "\n") {
		m := tableColumn.FindStringSubmatch(strings.TrimSuffix(strings.TrimSpace(line), ","))
		require.NotNil(t, m, line)
		columns = append(columns, [2]string{m[1], m[2]})
	}
	return columns
}

// glueType is a type as Glue has it, without blanks.
func glueType(text string) string {
	text = blanks.ReplaceAllString(text, "")
	if strings.ContainsAny(text, "<:,") {
		return `"` + text + `"`
	}
	return text
}

func serdeParameters(text string) string {
	var all []string
	for _, p := range regexp.MustCompile(`'([^']+)' *= *'([^']*)'`).FindAllStringSubmatch(text, -1) {
		all = append(all, fmt.Sprintf("%s: %q", p[1], p[2]))
	}
	if all == nil {
		return ""
	}
	return ", Parameters: {" + strings.Join(all, ", ") + "}"
}

// lowerPartitions writes the partitions that a text names in small letters: projection.accountId.type, ${accountId}.
func lowerPartitions(text string, partitions [][2]string) string {
	for _, p := range partitions {
		low := strings.ToLower(p[0])
		text = strings.NewReplacer("projection."+p[0]+".", "projection."+low+".", "${"+p[0]+"}", "${"+low+"}").Replace(text)
	}
	return text
}

// glueValue is a text of a statement with parameters in the places of what its reader replaces.
func glueValue(text string) string {
	switch text {
	case "${ACCOUNTS}":
		return `!If [ThisAccount, !Sub "${AWS::AccountId},unknown", !Ref Accounts]`
	case "${REGIONS}":
		return `!If [ThisRegion, !Ref AWS::Region, !Ref Regions]`
	}
	if !strings.Contains(text, "${") {
		return fmt.Sprintf("%q", text)
	}
	text = strings.ReplaceAll(text, "${", "${!") // Athena's own
	text = strings.ReplaceAll(text, "${!BUCKET}", "${Bucket}")
	flowLogs := strings.ReplaceAll(text, "${!FLOWLOG_BUCKET}", "${FlowLogBucket}")
	if flowLogs == text {
		return fmt.Sprintf("!Sub %q", text)
	}
	// Without flow logs the table is of an empty folder, so that the view over both works.
	return fmt.Sprintf("!If [NoFlowLogs, !Sub %q, !Sub %q]", strings.ReplaceAll(text, "${!FLOWLOG_BUCKET}", "${Bucket}/no-flow-logs"), flowLogs)
}

func namedQuery(name, text string) string {
	about := strings.TrimPrefix(strings.SplitN(text, "\n", 2)[0], "-- ")
	if about, _, _ = strings.Cut(about, "? "); !strings.HasSuffix(about, ".") && !strings.HasSuffix(about, "?") && strings.Contains(text, about+"? ") {
		about += "?"
	}
	return fmt.Sprintf("\n  Query%s:\n    Type: AWS::Athena::NamedQuery\n    Properties:\n      Name: %s\n      Database: !Ref Catalog\n      WorkGroup: !Ref Questions\n"+
		"      Description: %q\n      QueryString: |\n        %s\n",
		camel(name), name, about, strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        "))
}

// camel is a name as the names of resources are: ManagementEgress.
func camel(name string) string {
	var b strings.Builder
	for _, word := range regexp.MustCompile(`[^A-Za-z0-9]+`).Split(name, -1) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// TestTablesInGlue: of each statement the table has the columns, the partitions, and a place that the parameters make.
func TestTablesInGlue(t *testing.T) {
	c := readTemplate(t, "athena.yaml", map[string]any{"Bucket": "records", "Accounts": "1,2"})
	tables := 0
	for name, r := range c.resources() {
		if r["Type"] != "AWS::Glue::Table" {
			continue
		}
		tables++
		input := r["Properties"].(map[string]any)["TableInput"].(map[string]any)
		parameters, storage := input["Parameters"].(map[string]any), input["StorageDescriptor"].(map[string]any)
		place := parameters["storage.location.template"].(string)
		for _, p := range input["PartitionKeys"].([]any) {
			key := p.(map[string]any)["Name"].(string)
			assert.Equal(t, strings.ToLower(key), key, name)
			assert.Contains(t, place, "${"+key+"}", name)
			assert.Contains(t, parameters, "projection."+key+".type", name)
		}
		assert.True(t, strings.HasPrefix(place, storage["Location"].(string)) && strings.HasPrefix(place, "s3://records/"), "%s: %s", name, place)
		assert.NotContains(t, storage["Location"], "$", name)
		assert.NotEmpty(t, storage["Columns"], name)
		assert.NotContains(t, fmt.Sprint(parameters), "ACCOUNTS", name)
	}
	assert.Equal(t, 5, tables)
	flows := c.properties("MirrorsinkFlows")["TableInput"].(map[string]any)
	assert.Equal(t, "1,2", flows["Parameters"].(map[string]any)["projection.aws-account-id.values"])
	assert.Equal(t, "eu-west-1", flows["Parameters"].(map[string]any)["projection.aws-region.values"])
	logs := readTemplate(t, "athena.yaml", map[string]any{"Bucket": "records", "FlowLogBucket": "logs"}).properties("VpcFlowLogs")["TableInput"].(map[string]any)
	assert.Equal(t, "s3://logs/AWSLogs/", logs["StorageDescriptor"].(map[string]any)["Location"])
}
