package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/controls"
	"github.com/mirrorsink/mirrorsink/inspect/policy/facts"
	"github.com/mirrorsink/mirrorsink/inspect/policy/propose"
)

// Judgement is what flows are judged by.
type Judgement struct {
	Policy   *policy.Policy    // nil takes the verdicts that sinks have recorded
	Services *flowlog.Services // nil judges by the services that records have
}

// judge decides about the flows of records.
type judge struct {
	Judgement
	decide  func(*row) policy.Verdict // of the record that flow is of
	flow    policy.Flow
	verdict policy.Verdict
	any     bool // there was a verdict
}

func newJudge(by Judgement) *judge {
	j := &judge{Judgement: by}
	j.decide = func(*row) policy.Verdict { return j.Policy.Decide(&j.flow) }
	if by.Policy == nil {
		j.decide = j.recorded
	}
	return j
}

// recorded returns the verdict that a sink has recorded.
func (j *judge) recorded(r *row) policy.Verdict {
	v := policy.Verdict{
		Kind: policy.KindOf(r.PolicyVerdict), Reason: policy.ReasonOf(r.PolicyReason), Rule: r.PolicyRule, Workload: r.Workload,
	}
	v.To, v.By = j.flow.Destination()
	return v
}

// verdictFields are the fields that recorded reads.
var verdictFields = []string{"x-policy-verdict", "x-policy-rule", "x-policy-reason", "x-workload"}

// outbound decides about the flow of a record. It returns false for records of packets that did not leave an interface, and of flows that
// were opened from elsewhere.
func (j *judge) outbound(r *row) bool {
	if !facts.Of(&j.flow, &r.Record) {
		return false
	}
	if j.Services != nil {
		j.flow.Service, j.flow.Services = j.Services.Of(j.flow.Addr), true
	}
	j.verdict = j.decide(r)
	j.any = j.any || j.verdict.Kind != policy.None
	return j.verdict.Kind != policy.None
}

// note says that there was no verdict.
func (j *judge) note() string {
	if j.any {
		return ""
	}
	return "no record has a verdict: give --policy, or record with it"
}

// column returns a column of the verdict that outbound reached.
func (j *judge) column(c Column, value func(*judge) string) keyColumn {
	return keyColumn{c, nil, func(*row) string { return value(j) }}
}

// columns of judged flows.
func (j *judge) workload() keyColumn {
	return j.column(Column{Name: "workload"}, func(j *judge) string { return j.verdict.Workload })
}

func (j *judge) destination() keyColumn {
	return j.column(Column{Name: "destination"}, func(j *judge) string { return j.verdict.To })
}

func (j *judge) port() keyColumn {
	return j.column(Column{Name: "port", Unit: Digits}, func(j *judge) string { return portText(j.flow.Port) })
}

func (j *judge) protocol() keyColumn {
	return j.column(Column{Name: "protocol"}, func(j *judge) string { return protocolName(j.flow.Protocol) })
}

// Violations lists what a policy does not allow, and what it cannot judge, by workload and destination. Without a policy it lists what
// sinks have recorded.
func Violations(by Judgement) *Query {
	j := newJudge(by)
	return newQuery("violations", "Flows that the policy does not allow", &groupBy{
		columns: []keyColumn{
			j.column(Column{Name: "verdict"}, func(j *judge) string { return j.verdict.Kind.String() }),
			j.workload(), instanceColumn, j.destination(), j.port(), j.protocol(),
			j.column(Column{Name: "reason"}, func(j *judge) string { return j.verdict.Reason.String() }),
		},
		keep: func(r *row) bool {
			return j.outbound(r) && (j.verdict.Kind == policy.NotAllowed || j.verdict.Kind == policy.Inconclusive)
		},
		reads:    slices.Concat(facts.Fields, verdictFields),
		measures: []measure{flows, packets, bytesSum, firstSeen, lastSeen}, orderBy: bytesSum,
		notes: []func() string{j.note},
	})
}

// Destinations finds where each workload sent to that the policy does not allow, which a proposal is made from. see is called for each, at
// the end: there may be more than a table could hold.
func Destinations(by Judgement, see func(*propose.Observation)) *Query {
	j := newJudge(by)
	q := newQuery("destinations", "Destinations by workload", &groupBy{
		columns: []keyColumn{
			j.workload(), j.destination(), j.column(Column{Name: "evidence"}, func(j *judge) string { return j.verdict.By.String() }),
			j.column(Column{Name: "ip_protocol", Unit: Digits}, func(j *judge) string { return strconv.Itoa(int(j.flow.Protocol)) }), j.port(),
		},
		keep: func(r *row) bool {
			return j.outbound(r) && (j.verdict.Kind == policy.NotAllowed ||
				j.verdict.Kind == policy.Inconclusive && j.verdict.Reason != policy.Initiator && j.verdict.Reason != policy.Workloads)
		},
		reads:    facts.Fields,
		measures: []measure{flows, bytesSum, firstSeen, lastSeen}, orderBy: bytesSum,
	})
	texts := map[string]string{} // each once
	once := func(text string) string {
		if _, known := texts[text]; !known {
			text = strings.Clone(text) // a part of a key
			texts[text] = text
		}
		return texts[text]
	}
	return q.Keep(1, func(row []Cell) {
		o := observation(row)
		o.Workload, o.To = once(o.Workload), once(o.To)
		see(&o)
	})
}

// observation returns a row of Destinations.
func observation(row []Cell) propose.Observation {
	protocol, _ := strconv.ParseUint(row[3].Text, 10, 8)
	port, _ := strconv.ParseUint(row[4].Text, 10, 16)
	return propose.Observation{
		Workload: row[0].Text, To: row[1].Text, By: policy.EvidenceOf(row[2].Text), Protocol: uint8(protocol), Port: uint16(port),
		Flows: uint64(row[5].Num), Bytes: uint64(row[6].Num), First: row[7].Num, Last: row[8].Num,
		Days: propose.DaysOf(row[7].Num, row[8].Num),
	}
}

// Simulation lists the flows that workloads opened, with the verdict of a policy and what each control that enforces it would do: pass or
// block. With eachFlow there is a row for each flow and destination, by which the log of a control can be compared.
func Simulation(by Judgement, eachFlow bool) *Query {
	j := newJudge(by)
	var columns []keyColumn
	if eachFlow {
		columns = append(columns, communityColumn, clientColumn)
	}
	columns = append(
		columns,
		j.workload(), j.destination(), j.port(), j.protocol(),
		j.column(Column{Name: "verdict"}, func(j *judge) string { return j.verdict.Kind.String() }),
		j.column(Column{Name: "why"}, func(j *judge) string { return cmp.Or(j.verdict.Rule, j.verdict.Reason.String()) }),
	)
	for _, c := range controls.Controls {
		columns = append(columns, j.column(Column{Name: c.Name}, func(j *judge) string {
			if c.Judge(j.Policy, &j.flow).Passes {
				return ControlPasses
			}
			return ControlBlocks
		}))
	}
	return newQuery("simulate", "What the policy and its controls would do", &groupBy{
		columns:  columns,
		keep:     func(r *row) bool { return j.outbound(r) && j.verdict.Kind != policy.Exempt },
		reads:    facts.Fields,
		measures: []measure{flows, packets, bytesSum, wide(firstSeen), wide(lastSeen)}, orderBy: bytesSum,
	})
}

// Values of the columns of controls in a Simulation.
const (
	ControlPasses = "pass"
	ControlBlocks = "block"
)
