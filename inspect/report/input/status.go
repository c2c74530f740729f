package input

import "github.com/mirrorsink/mirrorsink/inspect/flowlog"

// inferStatus returns a reader that knows records without data where the file has no log-status: nothing was counted in them.
func inferStatus(r Reader) Reader {
	counts := r.Has("packets") || r.Has("bytes") || r.Has("srcaddr")
	if r.Has("log-status") || !counts {
		return r
	}
	return statusReader{r}
}

// statusReader infers the log-status of records.
type statusReader struct{ Reader }

func (s statusReader) Read(r *flowlog.Record) error {
	err := s.Reader.Read(r)
	if err == nil && r.Packets == 0 && r.Bytes == 0 && !r.SrcAddr.IsValid() && !r.PktSrcAddr.IsValid() {
		r.LogStatus = flowlog.NoData
	}
	return err
}
