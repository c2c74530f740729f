package report_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// TestSchemaFieldsAreDescribed: every field of expressions has a description of one line.
func TestSchemaFieldsAreDescribed(t *testing.T) {
	for _, f := range report.Schema.Fields() {
		assert.NotEmpty(t, f.Doc, f.Name)
		assert.NotContains(t, f.Doc, "\n")
		assert.LessOrEqual(t, len(f.Name)+len(f.Doc), 100, f.Name)
	}
}

// TestSchemaHasEveryField: every known field of flow logs except version can be named, those of this program also without x_.
func TestSchemaHasEveryField(t *testing.T) {
	names := map[string]bool{}
	for _, f := range report.Schema.Fields() {
		names[f.Name] = true
		if f.Name[:2] == "x_" {
			assert.Equal(t, []string{f.Name[2:]}, f.Aliases)
		}
	}
	for i := range flowlog.Fields {
		f := &flowlog.Fields[i]
		assert.Equal(t, f.Known() && f.Name != "version", names[f.Column()], f.Name)
	}
	assert.True(t, names["address"] && names["port"])
}

// TestExamplesCompile: the examples of the language's reference are expressions over the fields of flow logs.
func TestExamplesCompile(t *testing.T) {
	assert.NotEmpty(t, where.Examples)
	for _, text := range where.Examples {
		_, err := report.Schema.Compile(text)
		assert.NoError(t, err, text)
	}
}
