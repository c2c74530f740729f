package sessions

import (
	"fmt"
	"slices"
	"strings"
)

// Outputs are what a sink sends alerts and sums to, as far as it is in AWS.
type Outputs struct {
	Topics      []string // ARNs of topics of SNS
	Buses       []string // event buses, each by name or ARN
	SecurityHub bool
	Buckets     []string // BUCKET/PREFIX, without the slash if there is no prefix
	Namespaces  []string // of metrics in CloudWatch
	Keys        []string // ARNs of the keys of KMS that topics or buckets are encrypted with
}

// IsEmpty reports whether the outputs need no permissions.
func (o *Outputs) IsEmpty() bool {
	return len(o.Topics)+len(o.Buses)+len(o.Buckets)+len(o.Namespaces) == 0 && !o.SecurityHub
}

// PolicyForOutputs returns the least policy with which a sink can send to outputs, and to nothing else.
func PolicyForOutputs(o *Outputs, s Scope) *Policy {
	p := &Policy{Version: "2012-10-17"}
	add := func(sid string, actions, resources []string) *Statement {
		p.Statement = append(p.Statement, allow(sid, nil, actions, resources))
		return &p.Statement[len(p.Statement)-1]
	}
	if len(o.Topics) > 0 {
		add("PublishAlerts", []string{"sns:Publish"}, o.Topics)
	}
	if len(o.Buses) > 0 {
		add("PutAlertEvents", []string{"events:PutEvents"}, s.busARNs(o.Buses))
	}
	if o.SecurityHub {
		add("ImportFindings", []string{"securityhub:BatchImportFindings"}, []string{
			fmt.Sprintf("arn:%s:securityhub:%s:%s:product/%s/default", s.partition(), orAny(s.Region), orAny(s.Account), orAny(s.Account)),
		})
	}
	if len(o.Buckets) > 0 {
		objects, buckets := s.bucketARNs(o.Buckets)
		add("WriteAlertFiles", []string{"s3:AbortMultipartUpload", "s3:PutObject"}, objects)
		add("FindUploads", []string{"s3:ListBucketMultipartUploads"}, buckets)
	}
	if len(o.Namespaces) > 0 { // the call has no resources
		add("PutSums", []string{"cloudwatch:PutMetricData"}, []string{"*"}).Condition = map[string]map[string][]string{
			"StringEquals": {"cloudwatch:namespace": o.Namespaces},
		}
	}
	if services := o.encrypting(s); len(o.Keys) > 0 && len(services) > 0 {
		add("UseKeys", []string{"kms:Decrypt", "kms:GenerateDataKey"}, o.Keys).Condition = map[string]map[string][]string{
			"StringLike": {"kms:ViaService": services},
		}
	}
	return p
}

func (s Scope) busARNs(buses []string) []string {
	all := slices.Clone(buses)
	for i, bus := range all {
		if !strings.HasPrefix(bus, "arn:") {
			all[i] = fmt.Sprintf("arn:%s:events:%s:%s:event-bus/%s", s.partition(), orAny(s.Region), orAny(s.Account), bus)
		}
	}
	return all
}

func (s Scope) bucketARNs(places []string) (objects, buckets []string) {
	for _, place := range places {
		name, _, _ := strings.Cut(place, "/")
		objects = append(objects, fmt.Sprintf("arn:%s:s3:::%s/*", s.partition(), strings.TrimSuffix(place, "/")))
		buckets = append(buckets, fmt.Sprintf("arn:%s:s3:::%s", s.partition(), name))
	}
	return objects, slices.Compact(slices.Sorted(slices.Values(buckets)))
}

// encrypting are the services that use keys on behalf of the sink, as KMS names them.
func (o *Outputs) encrypting(s Scope) (services []string) {
	suffix := ".amazonaws.com"
	if s.partition() == "aws-cn" {
		suffix += ".cn"
	}
	if len(o.Buckets) > 0 {
		services = append(services, "s3."+orAny(s.Region)+suffix)
	}
	for _, topic := range o.Topics {
		services = append(services, "sns."+strings.Split(topic+":::", ":")[3]+suffix)
	}
	return slices.Compact(services)
}
