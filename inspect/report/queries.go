package report

import (
	"fmt"
	"slices"
	"strings"
)

// Measures are the names of the measures that Top can order by.
var Measures = []string{"bytes", "packets", "flows"}

// Top ranks groups of records by a measure, one of Measures. columns, of GroupColumns, are the columns to group by, in order.
// Grouped by interface or instance, a connection counts for each of its ends; else it counts once. limit is the number of rows;
// 0 is all.
func Top(by string, columns []string, limit int) (*Query, error) {
	g := &groupBy{measures: []measure{flows, packets, bytesSum, wide(firstSeen), wide(lastSeen)}, limit: limit}
	at := slices.Index(Measures, by)
	if at < 0 {
		return nil, fmt.Errorf("no measure %q: want one of %s", by, strings.Join(Measures, ", "))
	}
	g.orderBy = []measure{bytesSum, packets, flows}[at]
	for i, name := range columns {
		c, ok := groupColumn(name)
		if !ok {
			return nil, fmt.Errorf("no group %q: want one of %s", name, strings.Join(GroupColumns, ", "))
		}
		if slices.Contains(columns[:i], name) {
			return nil, fmt.Errorf("group %q is given twice", name)
		}
		g.columns = append(g.columns, c)
		if name == "eni" || name == "instance" {
			g.counting = perInterface
		}
	}
	return newQuery("top", "Most "+by+" by "+strings.ReplaceAll(strings.Join(columns, ", "), "-", " "), g), nil
}

func newQuery(name, title string, g *groupBy) *Query {
	return &Query{name: name, title: title, eval: g, groupBy: g}
}

// Management lists the traffic that leaves to management ports, by interface. It is the query of AWS's documentation, which
// asks for dstport < 1024, and adds the management ports above. It leaves out answers to clients that use such a port, where
// the client is known.
func Management(limit int) *Query {
	service := keyColumn{Column{Name: "service"}, []string{"dstport"}, func(r *row) string { return managementPorts[r.DstPort] }}
	return newQuery("management", "Traffic to management ports, by interface", &groupBy{
		columns: []keyColumn{interfaceColumn, instanceColumn, dstPortColumn, service, dstColumn, nameColumn},
		keep: func(r *row) bool {
			return isManagementPort(r.DstPort) && r.isOutbound() && r.Initiator != initiatorDst && r.Action != reject
		},
		reads:    append([]string{"action"}, endFields...),
		measures: []measure{flows, packets, bytesSum, wide(firstSeen), wide(lastSeen)}, orderBy: bytesSum, limit: limit,
	})
}

// Unanswered lists attempts that were not answered, and beside them the REJECT records of AWS.
func Unanswered(limit int) *Query {
	rejected := func(r *row) bool { return r.Action == reject }
	attempts := flows
	attempts.Name = "unanswered"
	return newQuery("unanswered", "Unanswered attempts", &groupBy{
		columns:  []keyColumn{interfaceColumn, instanceColumn, directionColumn, srcColumn, dstColumn, dstPortColumn, protocolColumn, nameColumn},
		keep:     func(r *row) bool { return r.Unanswered || rejected(r) },
		isOther:  rejected,
		reads:    []string{"action", "x-unanswered"},
		measures: []measure{attempts, otherMeasure("rejected"), packets, wide(bytesSum), wide(firstSeen), lastSeen},
		orderBy:  measure{of: func(s *sum) int64 { return s.flows + s.other }}, limit: limit,
	})
}

// Direct lists flows to addresses that no DNS lookup explains, by reason.
func Direct(limit int) *Query {
	return newQuery("direct", "Flows to addresses that no DNS lookup explains", &groupBy{
		columns: []keyColumn{reasonColumn, interfaceColumn, instanceColumn, serverColumn, portColumn, appProtoColumn, nameColumn},
		keep: func(r *row) bool {
			return r.DirectToAddress != "" && r.DirectToAddress != "no" && r.DirectToAddress != "no_dns_seen"
		},
		reads:    []string{"x-direct-to-address"},
		measures: []measure{flows, packets, bytesSum, wide(firstSeen), lastSeen}, orderBy: bytesSum, limit: limit,
	})
}

// Initiators lists connections by client and server, with the evidence for the client. It counts the client's records only.
func Initiators(limit int) *Query {
	ofClient := func(c keyColumn) keyColumn {
		return keyColumn{Column{Name: "client_" + c.Name}, slices.Concat(c.fields, endFields), func(r *row) string {
			if r.role() != clientRole {
				return ""
			}
			return c.value(r)
		}}
	}
	return newQuery("initiators", "Connections by client and server", &groupBy{
		columns:  []keyColumn{ofClient(instanceColumn), ofClient(interfaceColumn), clientColumn, nameColumn, serverColumn, portColumn, evidenceColumn},
		keep:     func(r *row) bool { return r.Initiator == initiatorSrc },
		measures: []measure{flows, packets, bytesSum, wide(firstSeen), wide(lastSeen)}, orderBy: flows, limit: limit,
	})
}

// Names lists the names that each instance used, as client or as server, with first and last time.
func Names(limit int) *Query {
	g := groupByNames(limit)
	return newQuery("names", "Names by instance", g)
}

func groupByNames(limit int) *groupBy {
	return &groupBy{
		columns:  []keyColumn{ownerColumn, roleColumn, nameColumn},
		keep:     func(r *row) bool { return r.Name != "" },
		measures: []measure{flows, bytesSum, firstSeen, lastSeen}, orderBy: bytesSum, limit: limit,

		counting: perInterface,
	}
}

// New lists the names of each instance that the earlier records, in the files and folders of since, do not have of it.
func New(since []string, limit int) *Query {
	g := groupByNames(limit)
	g.isOther = func(r *row) bool { return r.earlier }
	g.show = func(s *sum) bool { return s.other == 0 }
	g.noTotal = true
	q := newQuery("new", "Names that are not in the earlier records", g)
	q.since = since
	return q
}
