package spec_test

import (
	"fmt"

	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// Mistakes are reported together, each with its position and a suggestion where a known word is near.
func ExampleParse() {
	_, err := spec.Parse("mirror.yaml", []byte(`
owner: demo
targets: {sink: {network-interfaces: eni-0f}}
filters: {web: {ingress: [{action: accept, protocol: upd, source: 0.0.0.0/0}]}}
sources: {web: {tags: {service: web}}}
sessions: {web: {sources: wbe, filter: web, target: sink}}
`))
	fmt.Println(err)
	// Output:
	// mirror.yaml:3:18: unknown key "network-interfaces" in target "sink"; did you mean "network-interface"?
	// mirror.yaml:4:54: protocol: "upd" is neither the name of a protocol nor a number from 0 to 255; did you mean "udp"?
	// mirror.yaml:6:27: sources: there is no source "wbe"; did you mean "web"?
}
