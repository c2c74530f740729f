package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/sink"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/view"
	"github.com/mirrorsink/mirrorsink/inspect/report"
	"github.com/mirrorsink/mirrorsink/inspect/report/page"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// reportOptions are the flags of all reports.
type reportOptions struct {
	where    string
	from, to timeBound
	format   flags.FlowLogFormat
	output   flags.Choice
	html     string
	rows     int
	memory   flags.Size
	quiet    bool
}

// defaultReportMemory holds half a million groups. What does not fit goes through a temporary file.
const defaultReportMemory = 256 * flags.MiB

func newReport() *cobra.Command {
	return groupOf(&cobra.Command{
		Use:   "report",
		Short: "Answer questions from recorded files",
		Long: `Answers questions from recorded files: Parquet files and flow log lines of mirrorsink or of VPC Flow Logs, and EVE lines,
plain or compressed with gzip. The format is detected from the content. Folders are searched for such files. Without files, or
with -, lines are read from standard input.

A damaged file is read up to the damage, and the exit status is 1.`,
		Example: `  mirrorsink report top /var/log/mirrorsink/flows
  mirrorsink report management --from -24h AWSLogs/`,
	}, newReportTop(), newReportManagement(), newReportUnanswered(), newReportDirect(), newReportInitiators(),
		newReportNames(), newReportNew(), newReportNAT(), newReportViolations(),
		newReportExfiltration(), newReportBeacons())
}

func (o *reportOptions) addTo(f *pflag.FlagSet) {
	o.addSelecting(f)
	o.output, o.rows = flags.ChoiceOf(report.Formats...), 20
	g := flags.In(f, flags.Outputs)
	g.Var(&o.output, "output,o", "FORMAT", "format of the output: "+strings.Join(report.Formats, ", "))
	g.Int(&o.rows, "rows,n", "N", "show at most this many rows; 0 for all")
	g.String(&o.html, "html", "FILE", "also write a self-contained page with the table and plots to this file")
}

// addSelecting adds the flags that say which records are read, and how.
func (o *reportOptions) addSelecting(f *pflag.FlagSet) {
	o.memory = defaultReportMemory
	g := flags.In(f, flags.Selecting)
	g.String(&o.where, "where", "EXPRESSION", "count only records for which this expression is true, such as 'dstport == 443 and not private(dstaddr)'; see \"help where\"")
	g.Var(&o.from, "from", "TIME", "count only records that end at or after this time: RFC 3339, or a duration before the last record, such as -1h")
	g.Var(&o.to, "to", "TIME", "count only records that begin before this time")
	g.Var(&o.format, "format", "FORMAT", "fields of flow log lines in files without a header line, in AWS's syntax; the default is version 2")
	flags.In(f, flags.Outputs).Bool(&o.quiet, "quiet", "print no progress bar and no notes")
	flags.In(f, flags.Limits).Var(&o.memory, "memory", "SIZE", "maximum memory of all tables; more goes through a file in TMPDIR")
}

// leastReportMemory is what the tables need so as not to write a file each few records.
const leastReportMemory = 1 * flags.MiB

func (o *reportOptions) check() error {
	switch {
	case o.rows < 0:
		return flags.Usagef("--rows %d: want a number, or 0 for all", o.rows)
	case o.memory < leastReportMemory:
		return flags.Usagef("--memory %v: want at least 1MiB", &o.memory)
	}
	return nil
}

// run asks a query of the files, and prints the answer.
func (o *reportOptions) run(cmd *cobra.Command, files []string, query *report.Query) error {
	answer, failures := o.answer(cmd, files, query)
	if answer == nil {
		return failures
	}
	if err := o.print(cmd, answer); err != nil {
		return errors.Join(failures, err)
	}
	return failures
}

// answer asks a query of the files. It returns an answer and an error if it covers a part of them only.
func (o *reportOptions) answer(cmd *cobra.Command, files []string, query *report.Query) (*report.Answer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if len(files) == 0 {
		if f, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return nil, flags.Usagef("nothing to read: name files or folders, or pipe lines in")
		}
		files = []string{"-"}
	}
	for _, name := range files {
		if err := flags.CheckPath("argument", name, "files or folders: get the records of a bucket with \"aws s3 sync\""); err != nil {
			return nil, err
		}
	}
	defer sink.LimitHeap(int64(o.memory) + reportSlack)()
	bar := view.NewProgress(cmd.ErrOrStderr(), o.quiet)
	answer, failures := report.Run(cmd.Context(), report.Config{
		Files: files, Stdin: cmd.InOrStdin(), Format: o.format.Chosen(), Where: o.where,
		From: o.from.TimeBound, To: o.to.TimeBound, Memory: int64(o.memory), Plots: o.html != "", Progress: bar.DrawReading(),
	}, query)
	bar.Clear()
	if answer != nil && !o.quiet {
		bar.WriteRate(cmd.ErrOrStderr(), answer.Records)
	}
	var expression *where.Error
	if errors.As(failures, &expression) {
		return nil, flags.Usagef("--where: %w", expression)
	}
	if answer != nil && failures != nil && answer.Records == 0 {
		return nil, failures // nothing was read, so there is no answer
	}
	return answer, failures
}

// reportSlack is the memory of reading beside the groups: buffers, decompression, pages of Parquet.
const reportSlack = 64 * flags.MiB

// print writes the answer, the page, and the notes, which are for people.
func (o *reportOptions) print(cmd *cobra.Command, answer *report.Answer) error {
	if err := answer.Print(cmd.OutOrStdout(), o.output.Word); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	if o.html != "" {
		if err := replaceFile(o.html, func(w io.Writer) error { return page.Write(w, answer) }); err != nil {
			return err
		}
	}
	if o.quiet || o.output.Word == "json" {
		return nil
	}
	if left := answer.Table.Left; left > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d rows left out: -n 0 shows all\n", left)
	}
	for _, note := range answer.Table.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), note)
	}
	return nil
}
