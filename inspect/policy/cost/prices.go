package cost

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// Prices are the prices of one region.
type Prices struct {
	Region string
	Date   string // of the file, as 2026-11-30
	prices map[string]Price
}

// Names are the prices that a file may have, with what each is for.
var Names = map[string]string{
	"mirror-session-hour":            "a traffic mirror session, for an hour",
	"network-firewall-endpoint-hour": "a Network Firewall endpoint, for an hour",
	"network-firewall-gb":            "a gigabyte through Network Firewall",
	"dns-firewall-million-queries":   "a million queries to DNS Firewall",
	"dns-firewall-domain-month":      "a domain of a DNS Firewall list, for a month",
	"nat-gateway-hour":               "a NAT gateway, for an hour",
	"nat-gateway-gb":                 "a gigabyte through a NAT gateway",
	"nlb-hour":                       "a Network Load Balancer, for an hour",
	"nlcu-hour":                      "a Network Load Balancer capacity unit, for an hour",
	"proxy-instance-hour":            "the instance of a proxy, for an hour",
	"sink-instance-hour":             "the instance of a sink, for an hour",
}

// of returns a price; unknown if the file does not have it.
func (p *Prices) of(name string) Price {
	if _, ok := Names[name]; !ok {
		panic("no price " + name)
	}
	return p.prices[name]
}

// Read reads the prices of a region from a file. A price may be the word unknown.
func Read(name string, text []byte, region string) (*Prices, error) {
	l := strictyaml.NewLoader(name, text)
	p := &Prices{Region: region, prices: map[string]Price{}}
	var regions []string
	if body := l.Document("date, and regions with their prices"); body != nil {
		given := l.Mapping(body, "the prices", strictyaml.Fields{
			"date": strictyaml.One(l, &p.Date, parseDate),
			"regions": func(key string, n *strictyaml.Node) {
				list, _ := l.Entries(n, key)
				for _, e := range list {
					regions = append(regions, e.Key)
					prices := readRegion(l, &e)
					if e.Key == region {
						p.prices = prices
					}
				}
			},
		})
		l.Require(strictyaml.At(body), "the prices", given, "date", "regions")
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	if !slices.Contains(regions, region) {
		return nil, fmt.Errorf("%s has no prices of %s%s", name, region, strictyaml.Suggestion(region, regions))
	}
	return p, nil
}

func readRegion(l *strictyaml.Loader, e *strictyaml.Entry) map[string]Price {
	prices := map[string]Price{}
	fields := strictyaml.Fields{}
	for key := range maps.Keys(Names) {
		fields[key] = func(key string, n *strictyaml.Node) {
			var price Price
			strictyaml.One(l, &price, parsePrice)(key, n)
			prices[key] = price
		}
	}
	l.Mapping(e.Value, "region "+e.Key, fields)
	return prices
}

func parsePrice(text string) (Price, error) {
	if text == "unknown" {
		return Price{}, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v < 1e9) {
		return Price{}, fmt.Errorf("want US dollars such as 0.015, or unknown, found %s", strictyaml.Quote(text))
	}
	return Price{v, true}, nil
}

func parseDate(text string) (string, error) {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "", fmt.Errorf("want a date such as 2026-11-30, found %s", strictyaml.Quote(text))
	}
	return text, nil
}
