//go:build cgo

package athena_test

import (
	"database/sql"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/stretchr/testify/require"
)

// trino replaces functions of Athena's SQL (Trino's) that DuckDB lacks or names differently, and the time. Otherwise the queries
// are run unchanged.
const trino = `
CREATE MACRO from_unixtime(seconds) AS to_timestamp(seconds);
CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern);
`

// now is the time at which the queries are run.
const now = "TIMESTAMP '2026-11-25 00:00:00'"

// athena is a DuckDB that stands in for Athena.
type athena struct{ db *sql.DB }

// openAthena starts DuckDB without access to a network: all extensions are linked in.
func openAthena(t testing.TB) *athena {
	db, err := sql.Open("duckdb", "?autoinstall_known_extensions=false&autoload_known_extensions=false&threads=2")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	a := &athena{db}
	a.exec(t, "SET TimeZone = 'UTC'")
	a.exec(t, trino)
	return a
}

func (a *athena) exec(t testing.TB, statement string) {
	_, err := a.db.ExecContext(t.Context(), statement)
	require.NoError(t, err, statement)
}

// ask runs a query, and returns the names of the columns and then the rows, one per line, with bars between columns.
func (a *athena) ask(t testing.TB, query string) string {
	rows, err := a.db.QueryContext(t.Context(), strings.ReplaceAll(query, "now()", now))
	require.NoError(t, err, query)
	defer rows.Close()
	names, err := rows.Columns()
	require.NoError(t, err)
	out := strings.Join(names, " | ") + "\n"
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		require.NoError(t, rows.Scan(into...))
		for i, v := range values {
			if i > 0 {
				out += " | "
			}
			out += show(v)
		}
		out += "\n"
	}
	require.NoError(t, rows.Err())
	return out
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case time.Time:
		return v.UTC().Format(time.DateTime)
	case *big.Int:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// create creates a table over files. Like Athena it reads columns by name in the types of the statement, and partitions from
// the paths.
func (a *athena) create(t testing.TB, tab table, source string) {
	var columns []string
	for _, c := range append(tab.columns, tab.partitions...) {
		columns = append(columns, fmt.Sprintf("CAST(%q AS %s) AS %q", c.name, duckType(c.kind), c.name))
	}
	a.exec(t, fmt.Sprintf("CREATE VIEW %s AS SELECT %s FROM %s", tab.name, strings.Join(columns, ", "), source))
}

// parquetTable returns the pattern of a service's files below a folder.
func parquetTable(dir, service string) string {
	return fmt.Sprintf("read_parquet('%s/AWSLogs/*/aws-service=%s/*/*/*/*/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)", dir, service)
}

// eveTable returns the pattern of EVE files below a folder.
func eveTable(dir string, tab table) string {
	var columns []string
	for _, c := range tab.columns {
		columns = append(columns, fmt.Sprintf("'%s': '%s'", c.name, duckType(c.kind)))
	}
	return fmt.Sprintf("(SELECT *, regexp_extract(filename, 'eve/(..../../..)/', 1) AS date FROM "+
		"read_json('%s/eve/*/*/*/*.json', format = 'newline_delimited', filename = true, columns = {%s}))", dir, strings.Join(columns, ", "))
}

var (
	structField = regexp.MustCompile(`(\w+): `)
	arrayType   = regexp.MustCompile(`array<(\w+)>`)
)

// duckType returns the DuckDB type for a Hive type.
func duckType(kind string) string {
	kind = arrayType.ReplaceAllString(kind, "$1[]")
	if strings.HasPrefix(kind, "struct<") {
		kind = structField.ReplaceAllString(kind, "$1 ")
		kind = strings.NewReplacer("struct<", "STRUCT(", ">", ")").Replace(kind)
	}
	return kind
}
