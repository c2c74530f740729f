package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/deploy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/cost"
)

// costOptions are the flags of policy cost.
type costOptions struct {
	prices   string
	region   string
	usage    cost.Usage
	output   flags.Choice
	gigabyte string
	lookups  string
	mirrored string
}

func newPolicyCost() *cobra.Command {
	o := costOptions{region: "us-east-1", usage: cost.Usage{Interfaces: 1, Zones: 2}, output: flags.ChoiceOf("table", "json"), gigabyte: "0", lookups: "0", mirrored: "0"}
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Estimate what each control of egress costs a month",
		Long: `Estimates what security groups, host agents, a proxy, DNS Firewall, Network Firewall and mirroring cost a month for given traffic, and
from how many mirrored interfaces on mirroring costs more than the others. Prices are those of a dated file that is built in; --prices
reads another one. A price that the file does not have is unknown, and so is every sum with it.`,
		Example: `  mirrorsink policy cost --interfaces 10 --zones 2 --gigabytes 1000 \
    --lookups 100 --region us-east-1
  mirrorsink policy cost --prices prices.yaml -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	g := flags.In(cmd.Flags(), flags.Common)
	g.Int(&o.usage.Interfaces, "interfaces", "N", "mirrored network interfaces")
	g.Int(&o.usage.Zones, "zones", "N", "availability zones with workloads")
	g.String(&o.gigabyte, "gigabytes", "N", "gigabytes a month that leave")
	g.String(&o.mirrored, "mirrored", "N", "gigabytes a month that mirrors copy, in both directions")
	g.String(&o.lookups, "lookups", "MILLIONS", "million DNS queries a month")
	g.Int(&o.usage.Domains, "domains", "N", "names on domain lists")
	g.String(&o.region, "region", "REGION", "the region whose prices count")
	g.String(&o.prices, "prices", "FILE", "prices, instead of those that are built in")
	flags.In(cmd.Flags(), flags.Outputs).Var(&o.output, "output,o", "FORMAT", "format of the output: table or json")
	return cmd
}

func (o *costOptions) run(cmd *cobra.Command) error {
	for _, n := range []struct {
		flag, text string
		into       *float64
	}{{"gigabytes", o.gigabyte, &o.usage.Gigabytes}, {"mirrored", o.mirrored, &o.usage.Mirrored}, {"lookups", o.lookups, &o.usage.Lookups}} {
		v, err := strconv.ParseFloat(n.text, 64)
		if err != nil || !(v >= 0 && v < 1e12) {
			return flags.Usagef("--%s %s: want a number such as 1000 or 0.5", n.flag, quoted(n.text))
		}
		*n.into = v
	}
	if o.usage.Interfaces < 0 || o.usage.Zones < 1 || o.usage.Domains < 0 {
		return flags.Usagef("--interfaces, --zones and --domains: want numbers that are not negative, and at least one zone")
	}
	name, text, err := "deploy/prices/aws.yaml", deploy.Prices, error(nil)
	if o.prices != "" {
		name = o.prices
		if text, err = os.ReadFile(o.prices); err != nil {
			return err
		}
	}
	p, err := cost.Read(name, text, o.region)
	if err != nil {
		return err
	}
	if o.output.Word == "json" {
		return printCostJSON(cmd.OutOrStdout(), p, o.usage)
	}
	return printCost(cmd.OutOrStdout(), p, o.usage)
}

// printCost prints the options with their items.
func printCost(w io.Writer, p *cost.Prices, u cost.Usage) error {
	fmt.Fprintf(w, "US dollars a month of %d hours, %s, prices of %s, without taxes and discounts\n\n", cost.HoursPerMonth, p.Region, p.Date)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, option := range cost.Options(p, u) {
		fmt.Fprintf(tw, "%s\t\t\t%s\n", option.Name, amount(option.Total()))
		for _, i := range option.Items {
			fmt.Fprintf(tw, "  %s\t%s\tat %s\t%s\n", i.What, strconv.FormatFloat(i.Quantity, 'f', -1, 64)+" "+i.Unit, price(i.Price), amount(i.Amount()))
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, option := range cost.Options(p, u) {
		fmt.Fprintf(w, "%s: %s\n", option.Name, option.Note)
	}
	fmt.Fprintln(w)
	for _, other := range []string{"proxy", "DNS Firewall", "Network Firewall"} {
		if n, known := cost.BreakEven(p, u, other); known {
			fmt.Fprintf(w, "Mirroring costs as much as %s at %d mirrored interfaces.\n", other, n)
		} else {
			fmt.Fprintf(w, "At how many interfaces mirroring costs as much as %s is unknown: a price is missing.\n", other)
		}
	}
	return nil
}

func amount(p cost.Price) string {
	if !p.Known {
		return "unknown"
	}
	return fmt.Sprintf("%.2f", p.USD)
}

func price(p cost.Price) string {
	if !p.Known {
		return "unknown"
	}
	return strconv.FormatFloat(p.USD, 'f', -1, 64)
}

// printCostJSON prints the options; an amount that is not known is null.
func printCostJSON(w io.Writer, p *cost.Prices, u cost.Usage) error {
	type item struct {
		What     string   `json:"what"`
		Quantity float64  `json:"quantity"`
		Unit     string   `json:"unit"`
		Price    *float64 `json:"price"`
		Amount   *float64 `json:"amount"`
	}
	type option struct {
		Name  string   `json:"name"`
		Total *float64 `json:"total"`
		Items []item   `json:"items"`
		Note  string   `json:"note"`
	}
	known := func(p cost.Price) *float64 {
		if !p.Known {
			return nil
		}
		return &p.USD
	}
	var options []option
	for _, o := range cost.Options(p, u) {
		items := []item{}
		for _, i := range o.Items {
			items = append(items, item{i.What, i.Quantity, i.Unit, known(i.Price), known(i.Amount())})
		}
		options = append(options, option{o.Name, known(o.Total()), items, o.Note})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Region  string   `json:"region"`
		Date    string   `json:"date"`
		Options []option `json:"options"`
	}{p.Region, p.Date, options})
}
