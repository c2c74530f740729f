package controls

import (
	"errors"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// object is a mapping of YAML with its keys in order.
type object []field

type field struct {
	key   string
	value any
}

// MarshalYAML implements yaml.Marshaler.
func (o object) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range o {
		var value yaml.Node
		if err := value.Encode(f.value); err != nil {
			return nil, err
		}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: f.key}, &value)
	}
	return n, nil
}

// objectName is the form of names in Kubernetes (RFC 1123 label).
var objectName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// maxCiliumPorts bounds the ports of an entry of toPorts in the resource's schema.
const maxCiliumPorts = 40

// cilium writes a CiliumNetworkPolicy. Names work by the answers of DNS, which its first rule has pass through Cilium's proxy.
func cilium(p *policy.Policy, o Options) (Result, error) {
	if !objectName.MatchString(o.Name) {
		return Result{}, errors.New("the policy needs a name: 1 to 63 lower-case letters, digits and dashes, with no dash at the ends")
	}
	r := Result{Notes: []string{
		"matchPattern *.x stands for one label in Cilium before 1.17; the policy means any number.",
		"endpointSelector {} is every pod of the namespace: choose the workload's labels.",
	}}
	dns := object{
		{"toEndpoints", []object{{{"matchLabels", object{{"k8s:io.kubernetes.pod.namespace", "kube-system"}, {"k8s-app", "kube-dns"}}}}}},
		{"toPorts", []object{{
			{"ports", []object{{{"port", "53"}, {"protocol", "ANY"}}}},
			{"rules", object{{"dns", []object{{{"matchPattern", "*"}}}}}},
		}}},
	}
	egress := []object{dns}
	for i := range p.Allow {
		rule := &p.Allow[i]
		list := items(&policy.Policy{Allow: []policy.Rule{*rule}}, o.Workload)
		var fqdns []object
		for _, n := range names(list) {
			if n.Apex {
				fqdns = append(fqdns, object{{"matchName", n.Name}})
			}
			if n.Below {
				fqdns = append(fqdns, object{{"matchPattern", "*." + n.Name}})
			}
		}
		networks := o.networksOf(list, &r)
		egress = append(egress, ciliumRules(rule, fqdns, prefixTexts(networks))...)
		r.Rules += len(fqdns) + len(networks)
	}
	text, err := yaml.Marshal(object{
		{"apiVersion", "cilium.io/v2"}, {"kind", "CiliumNetworkPolicy"}, {"metadata", object{{"name", o.Name}}},
		{"spec", object{{"endpointSelector", object{}}, {"egress", egress}}},
	})
	r.Text = text
	return r, err
}

// ciliumRules returns a rule for names and one for networks: Cilium has no rule of both.
func ciliumRules(rule *policy.Rule, fqdns []object, networks []string) (all []object) {
	var ports []object
	for _, p := range rule.Ports {
		port := object{{"port", strconv.Itoa(int(p.From))}}
		if p.To != p.From {
			port = append(port, field{"endPort", int(p.To)})
		}
		ports = append(ports, append(port, field{"protocol", map[uint8]string{0: "ANY", policy.TCP: "TCP", policy.UDP: "UDP"}[p.Protocol]}))
	}
	add := func(key string, value any) {
		o := object{{key, value}}
		var lists []object
		for some := range slices.Chunk(ports, maxCiliumPorts) {
			lists = append(lists, object{{"ports", some}})
		}
		if len(lists) > 0 {
			o = append(o, field{"toPorts", lists})
		}
		all = append(all, o)
	}
	if len(fqdns) > 0 {
		add("toFQDNs", fqdns)
	}
	if len(networks) > 0 {
		add("toCIDR", networks)
	}
	return all
}
