package report

// Query is a question to ask of records. Run evaluates it once.
type Query struct {
	name, title string
	eval        evaluator
	groupBy     *groupBy // eval, if it is one
	since       []string // files of the earlier records, of New
	gateway     []string // files of a NAT gateway's flow logs, of NAT
}

// Keep makes the table have at most a number of rows, those that come first; 0 is all. see is called for each row, in any order, also for
// those that are left out; nil for nothing. The row is valid during the call, but for its texts. It is for queries whose tables may exceed
// the memory.
func (q *Query) Keep(rows int, see func(row []Cell)) *Query {
	q.eval.keepRows(rows, see)
	return q
}

// Columns returns the columns of the table.
func (q *Query) Columns() []Column { return q.eval.tableColumns() }

// An evaluator computes the table of a query from its records.
type evaluator interface {
	// fields returns the names of the fields that the query reads.
	fields() []string
	// add takes a record. It must not retain it.
	add(r *row) error
	// table is called once, after all records.
	table() (*Table, error)
	// columns returns the columns of the table.
	tableColumns() []Column
	// keepRows bounds the rows of the table: see Query.Keep.
	keepRows(limit int, see func(row []Cell))
	// close releases temporary files.
	close() error
}

// bounded is an evaluator that keeps records itself, and has no plots.
type bounded interface{ bound(memory int) }

// limits bound the resources of a query.
type limits struct {
	memory int    // bytes
	temp   string // folder of temporary files
}

// open allocates the groups of a query, and of its plots.
func (q *Query) open(l limits, withPlots bool) *plotter {
	p := &plotter{}
	if b, ok := q.eval.(bounded); ok {
		b.bound(l.memory)
		return p
	}
	if withPlots {
		q.groupBy.open(l, p.keys()...)
		p.aggregator = q.groupBy.aggregator
	} else {
		q.groupBy.open(l)
	}
	return p
}
