// Package cost estimates what the controls of egress cost for given traffic, by a dated file of prices. A price that the file does not have
// is unknown, and so is every sum with it.
package cost

import (
	"math"
	"slices"
)

// HoursPerMonth is how AWS's calculator counts a month.
const HoursPerMonth = 730

// Usage is the traffic of a month, and what carries it.
type Usage struct {
	Interfaces int     // mirrored network interfaces
	Zones      int     // availability zones with workloads
	Gigabytes  float64 // that leave through the control, in units of 10^9 bytes
	Mirrored   float64 // gigabytes that mirrors copy: both directions
	Lookups    float64 // DNS queries, in millions
	Domains    int     // names of domain lists
}

// Item is one line of an estimate.
type Item struct {
	What     string
	Quantity float64
	Unit     string
	Price    Price // of one unit
}

// Amount returns the item's price for its quantity.
func (i Item) Amount() Price { return i.Price.times(i.Quantity) }

// Option is a way to control egress, with what it costs a month.
type Option struct {
	Name  string
	Items []Item
	Note  string // what the price does not say
}

// Total returns the sum of the items, rounded to cents. It is unknown if one of them is.
func (o Option) Total() Price {
	sum := Price{Known: true}
	for _, i := range o.Items {
		a := i.Amount()
		sum.Known = sum.Known && a.Known
		sum.USD += a.USD
	}
	return sum.rounded()
}

// Price is an amount of US dollars that may be unknown.
type Price struct {
	USD   float64
	Known bool
}

func (p Price) times(n float64) Price {
	if n == 0 {
		return Price{0, true}
	}
	return Price{p.USD * n, p.Known}
}

func (p Price) rounded() Price {
	if !p.Known {
		return Price{}
	}
	return Price{math.Round(p.USD*100+1e-9) / 100, true}
}

// Options estimates all options.
func Options(p *Prices, u Usage) []Option {
	hours := func(n int) float64 { return float64(n) * HoursPerMonth }
	nat := []Item{
		{"NAT gateways", hours(u.Zones), "hour", p.of("nat-gateway-hour")},
		{"NAT gateways, data", u.Gigabytes, "GB", p.of("nat-gateway-gb")},
	}
	balancer := []Item{
		{"Network Load Balancer", hours(1), "hour", p.of("nlb-hour")},
		{"Network Load Balancer, capacity", math.Ceil(u.Mirrored/HoursPerMonth) * HoursPerMonth, "NLCU-hour", p.of("nlcu-hour")},
	}
	return []Option{
		{"security groups and NACLs", nil, "Free. They have no names: see what policy simulate says they cannot hold."},
		{"host agents", []Item{{"agents", float64(u.Interfaces), "host", Price{}}}, "Not ours to price: ask their vendor."},
		{"proxy", slices.Concat(nat, []Item{{"instances", hours(u.Zones), "hour", p.of("proxy-instance-hour")}}), "One instance in each zone, and the NAT gateways behind it."},
		{"DNS Firewall", []Item{
			{"queries", u.Lookups, "million", p.of("dns-firewall-million-queries")},
			{"domains", float64(u.Domains), "domain-month", p.of("dns-firewall-domain-month")},
		}, "It sees lookups only."},
		{"Network Firewall", []Item{
			{"endpoints", hours(u.Zones), "hour", p.of("network-firewall-endpoint-hour")},
			{"data", u.Gigabytes, "GB", p.of("network-firewall-gb")},
		}, "With a firewall endpoint in each zone. NAT gateways in the same zones are then free of charge."},
		{"mirroring with mirrorsink", slices.Concat([]Item{
			{"mirror sessions", hours(u.Interfaces), "hour", p.of("mirror-session-hour")},
			{"sinks", hours(u.Zones), "hour", p.of("sink-instance-hour")},
		}, balancer), "It observes and does not block. Copies count against the bandwidth of the mirrored instances."},
	}
}

// BreakEven returns the number of mirrored interfaces at which mirroring costs what another option does; known is false if a price is not.
func BreakEven(p *Prices, u Usage, other string) (interfaces int, known bool) {
	session := p.of("mirror-session-hour").times(HoursPerMonth)
	u.Interfaces = 0
	var base, limit Price
	for _, o := range Options(p, u) {
		switch o.Name {
		case "mirroring with mirrorsink":
			base = o.Total()
		case other:
			limit = o.Total()
		}
	}
	if !session.Known || !base.Known || !limit.Known || session.USD <= 0 {
		return 0, false
	}
	return max(int(math.Ceil((limit.USD-base.USD)/session.USD)), 0), true
}
