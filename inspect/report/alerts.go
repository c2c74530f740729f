package report

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"slices"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/facts"
)

// Exfiltration lists what sources sent to destinations beyond the bytes of the policy's exfiltration alerts, as listen finds it. Without such
// alerts the defaults count, and without a policy the recorded verdicts.
func Exfiltration(by Judgement) *Query {
	return alertQuery("exfiltration", "More payload than the policy tolerates", by, policy.Exfiltration)
}

// Beacons lists sources that connect to destinations regularly, by the score of the policy's beacon alerts, likewise.
func Beacons(by Judgement) *Query {
	return alertQuery("beacons", "Regular connections", by, policy.Beacon)
}

func alertQuery(name, title string, by Judgement, kind policy.AlertKind) *Query {
	p := withAlerts(by.Policy, kind)
	return &Query{name: name, title: title, eval: &alertScan{
		judge: newJudge(by), policy: p, ignores: alert.Ignored(p), targets: map[targetKey]uint32{},
	}}
}

// withAlerts returns a policy that has the alerts of one kind only, or the default one of the kind if it has none.
func withAlerts(p *policy.Policy, kind policy.AlertKind) *policy.Policy {
	only := policy.Policy{}
	if p != nil {
		only = *p
	}
	only.Alerts = slices.DeleteFunc(slices.Clone(only.Alerts), func(a policy.Alert) bool { return a.Kind != kind })
	if len(only.Alerts) == 0 {
		only.Alerts = []policy.Alert{policy.DefaultAlert(kind)}
	}
	return &only
}

// alertScan evaluates a query with an alert engine. Records come in any order, so it keeps what the engine needs of those that matter, and
// gives it to the engine in the order of time at the end.
type alertScan struct {
	*judge
	policy     *policy.Policy
	ignores    [policy.NumKinds]bool // verdicts that no alert is about
	limit      int                   // bytes
	rows       int                   // 0 is all
	see        func(row []Cell)
	used       int
	skipped    uint64 // records that exceeded the limit
	targets    map[targetKey]uint32
	flows      []target // by number
	activities []activity
}

// targetKey is what an alert needs to know of a record, but for times and bytes.
type targetKey struct {
	instance, eni, account, vpc string
	from, addr                  netip.Addr
	port                        uint16
	protocol                    uint8
	opened                      policy.Opened
	verdict                     policy.Verdict
}

// target is a source and a destination.
type target struct {
	flow    policy.Flow
	verdict policy.Verdict
}

// activity is a record: 48 bytes, since there may be many.
type activity struct {
	start, end int64 // Unix seconds
	sent       uint64
	flow       uint64 // a hash of its addresses and ports
	target     uint32
	syn        bool
	partial    bool
}

// Costs of what is kept, in bytes.
const (
	activityCost = 48
	targetCost   = 1200
)

// alertFields are the fields that alertScan reads beside those of verdicts.
var alertFields = []string{"x-payload-bytes", "x-completeness", "tcp-flags"}

func (s *alertScan) fields() []string {
	return slices.Concat(commonFields, facts.Fields, verdictFields, alertFields)
}

func (s *alertScan) bound(memory int) { s.limit = memory }

func (s *alertScan) close() error { return nil }

func (s *alertScan) tableColumns() []Column { return alertColumns }

func (s *alertScan) keepRows(limit int, see func(row []Cell)) { s.rows, s.see = limit, see }

// add takes a record.
func (s *alertScan) add(r *row) error {
	if !s.outbound(r) || s.ignores[s.verdict.Kind] {
		return nil
	}
	f := &s.flow
	k := targetKey{
		f.Source.Instance, f.Source.Interface, f.Source.Account, f.Source.VPC, f.Source.Addr, f.Addr, f.Port, f.Protocol, f.Opened, s.verdict,
	}
	number, known := s.targets[k]
	cost := activityCost
	if !known {
		cost += targetCost
	}
	if s.used+cost > s.limit {
		s.skipped++
		return nil
	}
	s.used += cost
	if !known {
		number = uint32(len(s.flows))
		s.targets[k] = number
		flow := policy.Flow{Source: f.Source, Addr: f.Addr, Port: f.Port, Protocol: f.Protocol, Opened: f.Opened}
		s.flows = append(s.flows, target{flow, s.verdict})
	}
	const syn = 0x02
	s.activities = append(s.activities, activity{
		start: r.Start, end: r.End, sent: payload(r), flow: connectionHash(r), target: number, syn: r.TCPFlags&syn != 0,
		partial: r.Completeness < 1,
	})
	return nil
}

// payload returns the payload of a record. Records of AWS have none: it is at most what is left without the shortest headers.
func payload(r *row) uint64 {
	if r.InitiatorReason != "" {
		return r.PayloadBytes
	}
	header := uint64(28)
	if r.Protocol == policy.TCP {
		header = 40
	}
	if r.dst().Is6() {
		header += 20
	}
	return r.Bytes - min(r.Bytes, header*r.Packets)
}

// connectionHash returns a hash of a record's interface, addresses and ports.
func connectionHash(r *row) uint64 {
	h := fnv.New64a()
	src, dst := r.src().As16(), r.dst().As16()
	var numbers []byte
	numbers = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(numbers, r.SrcPort), r.DstPort)
	numbers = append(binary.BigEndian.AppendUint32(numbers, r.VNI), r.Protocol)
	for _, part := range [][]byte{[]byte(r.InterfaceID), src[:], dst[:], numbers} {
		_, _ = h.Write(part)
	}
	return h.Sum64()
}

// longestPause separates connections without a handshake on the same addresses and ports, in seconds.
const longestPause = 300

// connection is what was seen of one connection so far.
type connection struct {
	id    uint64
	start int64
	end   int64
	total uint64
}

// found returns the alerts, in the order in which they were opened.
func (s *alertScan) found() (all []*alert.Alert) {
	type fact struct {
		alert.Key
		first int64
	}
	at := map[fact]int{}
	engine := alert.NewEngine(alert.Config{Policy: s.policy, Memory: max(s.limit-s.used, s.limit/4), Emit: func(a *alert.Alert) {
		k := fact{a.Key, a.First}
		if i, known := at[k]; known {
			all[i] = a
			return
		}
		at[k] = len(all)
		all = append(all, a)
	}})
	slices.SortFunc(s.activities, func(a, b activity) int {
		return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.start, b.start), cmp.Compare(a.flow, b.flow), cmp.Compare(a.sent, b.sent))
	})
	connections := map[uint64]*connection{}
	last := int64(0)
	for i := range s.activities {
		a := &s.activities[i]
		t, c := &s.flows[a.target], connections[a.flow]
		begins := c == nil || a.syn || t.flow.Protocol != policy.TCP && a.start-c.end > longestPause
		if begins {
			c = &connection{id: a.flow + uint64(a.start), start: a.start}
			connections[a.flow] = c
		}
		c.end, c.total, last = a.end, c.total+a.sent, a.end
		engine.Observe(&alert.Activity{
			At: a.end * int64(time.Second), ID: c.id, Started: c.start * int64(time.Second), New: begins, Sent: a.sent, Total: c.total,
			Partial: a.partial, Flow: &t.flow, Verdict: t.verdict,
		})
	}
	engine.Advance(last*int64(time.Second) + int64(366*24*time.Hour)) // so that all are complete
	return all
}

var alertColumns = []Column{
	{Name: "alert"}, {Name: "workload"}, {Name: "source"}, {Name: "destination"}, {Name: "port", Unit: Digits}, {Name: "bytes", Unit: Bytes},
	{Name: "activities", Unit: Count}, {Name: "first_seen", Unit: Time}, {Name: "last_seen", Unit: Time}, {Name: "uncertain"},
	{Name: "evidence", Wide: true},
}

func (s *alertScan) table() (*Table, error) {
	t := &Table{Columns: alertColumns}
	for _, a := range s.found() {
		uncertain := ""
		if a.Uncertain {
			uncertain = "yes"
		}
		t.Rows = append(t.Rows, []Cell{
			textCell(a.Rule), textCell(a.Workload), textCell(a.Source), textCell(a.To), textCell(portText(a.Port)), numberCell(int64(a.Bytes)),
			numberCell(int64(a.Count)), numberCell(a.First / int64(time.Second)), numberCell(a.Last / int64(time.Second)), textCell(uncertain),
			textCell(a.Evidence),
		})
		if s.see != nil {
			s.see(t.Rows[len(t.Rows)-1])
		}
	}
	slices.SortStableFunc(t.Rows, func(a, b []Cell) int { return cmp.Compare(b[5].Num, a[5].Num) })
	t.Cut(s.rows)
	if note := s.note(); note != "" {
		t.Notes = append(t.Notes, note)
	}
	if s.skipped > 0 {
		t.Notes = append(t.Notes, plural(s.skipped, "record")+" left out: --memory is used up")
	}
	return t, nil
}
