package sessions

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// Report is the status of all resources of an owner.
type Report struct {
	Sessions []Status `json:"sessions"`
	Others   []Change `json:"others,omitempty"`   // differences of targets and filters, as the changes that would remove them
	Refusals []string `json:"refusals,omitempty"` // why AWS would refuse these changes
}

// Status is the status of one session of an owner.
type Status struct {
	Name      string  `json:"name"` // of the entry in the spec
	ID        string  `json:"id,omitempty"`
	Interface string  `json:"interface"`
	Instance  string  `json:"instance,omitempty"`
	State     string  `json:"state"`  // of the interface; "gone" if there is none
	Target    string  `json:"target"` // its address, or what is wrong with it
	Number    int     `json:"number"`
	VNI       *uint32 `json:"vni"`             // nil until AWS has chosen it
	Drift     string  `json:"drift,omitempty"` // difference from the spec
}

// StatusOf lists the sessions of the plan's owner and those that the spec asks for, in the order of names and interfaces. The plan must be
// that of the same spec and state.
func StatusOf(have *account.State, p *Plan) *Report {
	r := &Report{Refusals: p.Refusals}
	ix := account.NewIndex(have)
	drift := map[string]string{} // by session ID
	list := []Status{}
	for i := range p.Changes {
		c := &p.Changes[i]
		switch {
		case c.Kind != KindSession:
			r.Others = append(r.Others, *c)
		case c.Op == Create:
			st := statusOf(ix, c.Want.Session)
			if c.Want.Session.ChooseVNI {
				st.VNI = nil
			}
			st.Drift = "missing: " + c.Why
			list = append(list, st)
		case c.Op == Delete:
			drift[c.ID] = "not wanted: " + c.Why
		default:
			drift[c.ID] = c.Why
		}
	}
	for i := range have.Sessions {
		if s := &have.Sessions[i]; s.Tags.Has(account.OwnerTag, p.Owner) {
			st := statusOf(ix, s)
			st.Drift = drift[s.ID]
			list = append(list, st)
		}
	}
	slices.SortFunc(list, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Interface, b.Interface), cmp.Compare(a.ID, b.ID))
	})
	r.Sessions = list
	return r
}

func statusOf(ix *account.Index, s *account.Session) Status {
	st := Status{Name: s.Tags[account.NameTag], ID: s.ID, Interface: s.Interface, State: "gone", Target: s.Target, Number: s.Number, VNI: &s.VNI}
	if eni := ix.InterfaceByID[s.Interface]; eni != nil {
		st.Instance, st.State = eni.Instance, cmp.Or(ix.Idle(eni), eni.Status)
	}
	if t := ix.TargetByID[s.Target]; t != nil {
		st.Target = t.Address()
		if t.Interface != "" && ix.InterfaceByID[t.Interface] == nil {
			st.Target += " (gone)"
		}
	} else if account.IsReference(s.Target) {
		st.Target = account.ReferenceName(s.Target) + " (not there yet)"
	}
	return st
}

// Print writes the report for people, one line per session.
func (r *Report) Print(out io.Writer) error {
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SESSION\tID\tINTERFACE\tINSTANCE\tSTATE\tTARGET\tNUMBER\tVNI\tDRIFT")
	for i := range r.Sessions {
		s := &r.Sessions[i]
		vni := "-"
		if s.VNI != nil {
			vni = strconv.Itoa(int(*s.VNI))
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", s.Name, cmp.Or(s.ID, "-"), s.Interface, cmp.Or(s.Instance, "-"),
			cmp.Or(s.State, "-"), s.Target, s.Number, vni, cmp.Or(s.Drift, "none"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for i := range r.Others {
		if _, err := fmt.Fprintf(out, "drift: %s: %s\n", &r.Others[i], r.Others[i].Why); err != nil {
			return err
		}
	}
	for _, text := range r.Refusals {
		if _, err := fmt.Fprintf(out, "refused: %s\n", text); err != nil {
			return err
		}
	}
	return nil
}

// PrintJSON writes the report as JSON.
func (r *Report) PrintJSON(out io.Writer) error { return printJSON(out, r) }
