package doctor_test

import (
	"fmt"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/doctor"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// The target of this spec is an interface that the account does not have, and no session uses the entries of the spec.
func ExampleDiagnose() {
	want, err := spec.Parse("mirror.yaml", []byte(`
owner: demo
targets: {sink: {network-interface: eni-0f}}
filters: {everything: {}}
sources: {web: {interfaces: eni-0a}}
sessions: {}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	facts := &doctor.Facts{Spec: want, State: &account.State{Interfaces: []account.Interface{{ID: "eni-0a"}}}}
	diagnosis, err := doctor.Diagnose(facts)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range diagnosis.Findings {
		fmt.Printf("%s: %s: %s\n", f.Check, f.Subject, f.What)
	}
	// Output:
	// target: target sink (eni-0f): there is no such network interface in this account and region
	// drift: mirror.yaml: the account differs from the spec: 6 to create, 1 to modify, 0 to delete.
	// unused: target sink (mirror.yaml:3): no session uses it
	// unused: filter everything (mirror.yaml:4): no session uses it
	// unused: source web (mirror.yaml:5): no session uses it
}
