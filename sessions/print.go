package sessions

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// hoursPerMonth is the number of hours in a monthly price.
const hoursPerMonth = 730

// Cost is the price of sessions in USD. Traffic between zones and load balancers are not included.
type Cost struct {
	Sessions int     `json:"sessions"`
	Price    float64 `json:"price_per_session_hour"`
	Hour     float64 `json:"hour"`
	Month    float64 `json:"month"`
}

// CostOf returns the cost of a number of sessions at a price per session-hour.
func CostOf(sessions int, price float64) Cost {
	hour := float64(sessions) * price
	return Cost{sessions, price, hour, hour * hoursPerMonth}
}

func (c Cost) String() string {
	sessions := "sessions"
	if c.Sessions == 1 {
		sessions = "session"
	}
	return fmt.Sprintf("%d %s: %.3f USD an hour, %.2f USD a month (at %g USD a session-hour)", c.Sessions, sessions, c.Hour, c.Month, c.Price)
}

// marks are the operations as in a diff.
var marks = [numOps]string{Create: "+", Modify: "~", Delete: "-"}

// Print writes the plan for people: a line for each change, remarks, and the cost.
func (p *Plan) Print(out io.Writer, price float64) error {
	b := bufio.NewWriter(out)
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for i := range p.Changes {
		c := &p.Changes[i]
		fmt.Fprintf(tw, "%s %s\t%s\t%s\t%s\n", marks[c.Op], c.Kind, c.Name, idIfAny(c.ID), c.Why)
	}
	for i := range p.Foreign {
		s := &p.Foreign[i]
		fmt.Fprintf(tw, "  foreign\t%s\t%s\tnot ours, left alone: number %d, VNI %d, to %s%s\n", s.Interface, s.ID, s.Number, s.VNI, s.Target, s.Tags.OwnedBy())
	}
	for _, s := range p.Skipped {
		fmt.Fprintf(tw, "  skipped\t%s\t\t%s\n", s.Interface, s.Why)
	}
	for _, s := range p.Unmirrorable {
		fmt.Fprintf(tw, "  cannot be mirrored\t%s\t\t%s\n", s.Interface, s.Why)
	}
	tw.Flush()
	for _, text := range p.Warnings {
		fmt.Fprintf(b, "warning: %s\n", text)
	}
	for _, text := range p.Refusals {
		fmt.Fprintf(b, "refused: %s\n", text)
	}
	fmt.Fprintf(b, "%s\nAfter that, %s%s.\n", p.Summary(), p.place(), CostOf(p.Sessions, price))
	return b.Flush()
}

// place returns the account and region as the beginning of a phrase, or "" if they are unknown.
func (p *Plan) place() string {
	switch {
	case p.Account != "" && p.Region != "":
		return "in account " + p.Account + " and " + p.Region + ", "
	case p.Region != "":
		return "in " + p.Region + ", "
	}
	return ""
}

// idIfAny returns an ID, or "" for a reference.
func idIfAny(id string) string {
	if account.IsReference(id) {
		return ""
	}
	return id
}

// Summary returns how many changes of each operation the plan has.
func (p *Plan) Summary() string {
	if p.Empty() {
		return "Nothing to do."
	}
	n := [numOps]int{}
	for i := range p.Changes {
		n[p.Changes[i].Op]++
	}
	return fmt.Sprintf("%d to create, %d to modify, %d to delete.", n[Create], n[Modify], n[Delete])
}

// PrintJSON writes the plan with its cost as JSON.
func (p *Plan) PrintJSON(out io.Writer, price float64) error {
	return printJSON(out, struct {
		*Plan
		Cost Cost `json:"cost"`
	}{p, CostOf(p.Sessions, price)})
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false) // the output is no web page
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// String returns the change in a few words.
func (c *Change) String() string {
	text := fmt.Sprintf("%s %s %s", marks[c.Op], c.Kind, c.Name)
	if id := idIfAny(c.ID); c.Op != Create && id != "" {
		text += " (" + id + ")"
	}
	return text
}

// String returns the outcome in one line.
func (o Outcome) String() string {
	text := o.Change.String()
	switch {
	case o.Err != nil:
		text += ": failed"
	case o.Note != "":
		text += ": " + o.Note
	case o.Change.Op == Create:
		text += " is " + o.ID
	}
	return text
}
