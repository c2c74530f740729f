package flowlog

import (
	"net/netip"
	"strings"
)

// Type is a column's type in Parquet files and in Athena.
type Type uint8

// Types of columns. AWS's fields have the first three.
const (
	String Type = iota
	Int32
	Int64
	Boolean
	Double
)

// Field is a field of flow logs: a column of a table, a token of a line.
type Field struct {
	Name    string // AWS's spelling, with dashes
	Version uint8  // the version of flow logs that introduced it; 0 for ours
	Type    Type
	cell    cell // nil if a mirror cannot know the value
}

// Latest is the version of a record that has all of AWS's fields.
const Latest = 11

// Fields are all fields, those of AWS first, in AWS's order. Version 6 is of transit gateways, whose packets cannot be mirrored.
var Fields = [...]Field{
	{"version", 2, Int32, version{}},
	{"account-id", 2, String, text(func(r *Record) *string { return &r.AccountID })},
	{"interface-id", 2, String, text(func(r *Record) *string { return &r.InterfaceID })},
	{"srcaddr", 2, String, addr(func(r *Record) *netip.Addr { return &r.SrcAddr })},
	{"dstaddr", 2, String, addr(func(r *Record) *netip.Addr { return &r.DstAddr })},
	{"srcport", 2, Int32, port(func(r *Record) *uint16 { return &r.SrcPort })},
	{"dstport", 2, Int32, port(func(r *Record) *uint16 { return &r.DstPort })},
	{"protocol", 2, Int32, octet(func(r *Record) *uint8 { return &r.Protocol })},
	{"packets", 2, Int64, count(func(r *Record) *uint64 { return &r.Packets })},
	{"bytes", 2, Int64, count(func(r *Record) *uint64 { return &r.Bytes })},
	{"start", 2, Int64, seconds(func(r *Record) *int64 { return &r.Start })},
	{"end", 2, Int64, seconds(func(r *Record) *int64 { return &r.End })},
	{"action", 2, String, text(func(r *Record) *string { return &r.Action })},
	{"log-status", 2, String, text(func(r *Record) *string { return &r.LogStatus })},

	{"vpc-id", 3, String, text(func(r *Record) *string { return &r.VPCID })},
	{"subnet-id", 3, String, text(func(r *Record) *string { return &r.SubnetID })},
	{"instance-id", 3, String, text(func(r *Record) *string { return &r.InstanceID })},
	{"tcp-flags", 3, Int32, octet(func(r *Record) *uint8 { return &r.TCPFlags })},
	{"type", 3, String, addressType{}},
	{"pkt-srcaddr", 3, String, addr(func(r *Record) *netip.Addr { return &r.PktSrcAddr })},
	{"pkt-dstaddr", 3, String, addr(func(r *Record) *netip.Addr { return &r.PktDstAddr })},

	{"region", 4, String, text(func(r *Record) *string { return &r.Region })},
	{"az-id", 4, String, text(func(r *Record) *string { return &r.AZID })},
	{"sublocation-type", 4, String, nil},
	{"sublocation-id", 4, String, nil},

	{"pkt-src-aws-service", 5, String, text(func(r *Record) *string { return &r.PktSrcAWSService })},
	{"pkt-dst-aws-service", 5, String, text(func(r *Record) *string { return &r.PktDstAWSService })},
	{"flow-direction", 5, String, text(func(r *Record) *string { return &r.FlowDirection })},
	{"traffic-path", 5, Int32, nil},

	{"ecs-cluster-arn", 7, String, nil},
	{"ecs-cluster-name", 7, String, nil},
	{"ecs-container-instance-arn", 7, String, nil},
	{"ecs-container-instance-id", 7, String, nil},
	{"ecs-container-id", 7, String, nil},
	{"ecs-second-container-id", 7, String, nil},
	{"ecs-service-name", 7, String, nil},
	{"ecs-task-definition-arn", 7, String, nil},
	{"ecs-task-arn", 7, String, nil},
	{"ecs-task-id", 7, String, nil},

	{"reject-reason", 8, String, nil},
	{"resource-id", 9, String, nil},
	{"encryption-status", 10, String, nil},

	{"instance-tag", 11, String, nil},
	{"instance-tag-2", 11, String, nil},
	{"interface-tag", 11, String, nil},
	{"interface-tag-2", 11, String, nil},
	{"asg-tag", 11, String, nil},
	{"asg-tag-2", 11, String, nil},
	{"interface-type", 11, String, text(func(r *Record) *string { return &r.InterfaceType })},
	{"next-hop-interface-id", 11, String, nil},
	{"next-hop-subnet-id", 11, String, nil},
	{"next-hop-az-id", 11, String, nil},
	{"next-hop-vpc-id", 11, String, nil},
	{"next-hop-interface-type", 11, String, nil},

	{"x-name", 0, String, text(func(r *Record) *string { return &r.Name })},
	{"x-name-source", 0, String, text(func(r *Record) *string { return &r.NameSource })},
	{"x-sni", 0, String, text(func(r *Record) *string { return &r.SNI })},
	{"x-dns-name", 0, String, text(func(r *Record) *string { return &r.DNSName })},
	{"x-app-proto", 0, String, text(func(r *Record) *string { return &r.AppProto })},
	{"x-ja4", 0, String, text(func(r *Record) *string { return &r.JA4 })},
	{"x-initiator", 0, String, text(func(r *Record) *string { return &r.Initiator })},
	{"x-initiator-reason", 0, String, text(func(r *Record) *string { return &r.InitiatorReason })},
	{"x-unanswered", 0, Boolean, flag(func(r *Record) *bool { return &r.Unanswered })},
	{"x-direct-to-address", 0, String, text(func(r *Record) *string { return &r.DirectToAddress })},
	{"x-completeness", 0, Double, completeness{}},
	{"x-community-id", 0, String, text(func(r *Record) *string { return &r.CommunityID })},
	{"x-vni", 0, Int32, vni{}},
	{"x-truncated", 0, Boolean, flag(func(r *Record) *bool { return &r.Truncated })},
	{"x-paired", 0, String, text(func(r *Record) *string { return &r.Paired })},
	{"x-payload-bytes", 0, Int64, count(func(r *Record) *uint64 { return &r.PayloadBytes })},
	{"x-policy-verdict", 0, String, text(func(r *Record) *string { return &r.PolicyVerdict })},
	{"x-policy-rule", 0, String, text(func(r *Record) *string { return &r.PolicyRule })},
	{"x-policy-reason", 0, String, text(func(r *Record) *string { return &r.PolicyReason })},
	{"x-workload", 0, String, text(func(r *Record) *string { return &r.Workload })},
	{"x-conflicts", 0, String, text(func(r *Record) *string { return &r.Conflicts })},
	{"x-ech", 0, String, text(func(r *Record) *string { return &r.ECH })},
}

// Column returns the field's name in tables: with underscores.
func (f *Field) Column() string { return strings.ReplaceAll(f.Name, "-", "_") }

// Ours reports whether the field is one that AWS does not have.
func (f *Field) Ours() bool { return f.Version == 0 }

// Known reports whether records can have a value in this field. A mirror does not provide the others.
func (f *Field) Known() bool { return f.cell != nil }

// Lookup returns the field with a name, spelled with dashes; nil if there is none.
func Lookup(name string) *Field {
	for i := range Fields {
		if Fields[i].Name == name {
			return &Fields[i]
		}
	}
	return nil
}

// AppendValue appends the field's value to dst as plain text without escapes, and nothing if it is not known.
func (f *Field) AppendValue(dst []byte, r *Record) []byte {
	if f.cell == nil {
		return dst
	}
	return f.cell.append(dst, r)
}

// Int returns the value of an Int32 or Int64 field; known is false where a line would have -.
func (f *Field) Int(r *Record) (n int64, known bool) {
	if c, ok := f.cell.(number); ok {
		return c.int(r)
	}
	return 0, false
}

// Bool returns the value of a Boolean field; known is false where a line would have -.
func (f *Field) Bool(r *Record) (v, known bool) {
	if c, ok := f.cell.(flag); ok && r.HasData() {
		return *c(r), true
	}
	return false, false
}

// Float returns the value of a Double field; known is false where a line would have -.
func (f *Field) Float(r *Record) (v float64, known bool) {
	if _, ok := f.cell.(completeness); ok && r.HasData() && r.Completeness == r.Completeness {
		return r.Completeness, true
	}
	return 0, false
}
