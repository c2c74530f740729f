package message

import (
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// Limits of the AWS Security Finding Format.
const (
	maxTitle       = 256
	maxDescription = 1024
)

// Finding is the part of the AWS Security Finding Format that alerts have.
type Finding struct {
	SchemaVersion string
	ID            string `json:"Id"`
	ProductArn    string
	GeneratorID   string `json:"GeneratorId"`
	AwsAccountID  string `json:"AwsAccountId"`
	Types         []string
	FirstObserved string `json:"FirstObservedAt"`
	LastObserved  string `json:"LastObservedAt"`
	CreatedAt     string
	UpdatedAt     string
	Severity      struct{ Label string }
	Title         string
	Description   string
	ProductFields map[string]string
	Resources     []Resource
	RecordState   string
	Network       *Network `json:",omitempty"`
}

// Resource is the source of an alert.
type Resource struct {
	Type string
	ID   string `json:"Id"`
}

// Network is the destination of an alert.
type Network struct {
	Direction         string
	DestinationIPV4   string `json:"DestinationIpV4,omitempty"`
	DestinationIPV6   string `json:"DestinationIpV6,omitempty"`
	DestinationPort   uint16
	DestinationDomain string `json:",omitempty"`
}

// SecurityHub returns an alert as a finding for BatchImportFindings. Its ID is the same for the same fact at any sink. ok is false without
// an account and a region, which a finding must have.
func SecurityHub(a *alert.Alert, s *Sink) (f Finding, ok bool) {
	account := a.Account
	if account == "" {
		account = s.Account
	}
	if account == "" || s.Region == "" || s.Account == "" {
		return f, false
	}
	f = Finding{
		SchemaVersion: "2018-10-08",
		ID:            "mirrorsink/" + a.Rule + "/" + a.ID(),
		ProductArn:    fmt.Sprintf("arn:aws:securityhub:%s:%s:product/%s/default", s.Region, s.Account, s.Account),
		GeneratorID:   "mirrorsink/" + a.Rule, AwsAccountID: account, Types: []string{findingType(a)},
		FirstObserved: timeText(a.First), LastObserved: timeText(a.Last), CreatedAt: timeText(a.First), UpdatedAt: timeText(a.Last),
		Title: cut(title(a), maxTitle), Description: cut(Printable(a.Evidence), maxDescription),
		ProductFields: map[string]string{
			"mirrorsink/workload": a.Workload, "mirrorsink/bytes": fmt.Sprint(a.Bytes), "mirrorsink/count": fmt.Sprint(a.Count), "mirrorsink/sink": s.Host,
		},
		Resources: []Resource{resource(a, s)}, RecordState: "ACTIVE",
	}
	if a.State == alert.Resolved {
		f.RecordState = "ARCHIVED"
		f.UpdatedAt = timeText(a.Last + int64(time.Second)) // one that is not later than the finding's last is ignored
	}
	f.Severity.Label = map[string]string{"high": "HIGH", "medium": "MEDIUM", "low": "LOW"}[a.Severity.String()]
	if a.Addr.IsValid() {
		f.Network = &Network{Direction: "OUT", DestinationPort: a.Port}
		if a.Addr.Unmap().Is4() {
			f.Network.DestinationIPV4 = a.Addr.Unmap().String()
		} else {
			f.Network.DestinationIPV6 = a.Addr.String()
		}
		if a.To != a.Addr.String() {
			f.Network.DestinationDomain = cut(Printable(a.To), 128)
		}
	}
	return f, true
}

func findingType(a *alert.Alert) string {
	switch a.Kind.String() {
	case "exfiltration":
		return "Effects/Data Exfiltration"
	case "beacon", "dns-tunnel", "listed":
		return "TTPs/Command and Control"
	case "not-allowed", "management-port", "resolver-bypass", "cleartext-credentials":
		return "Software and Configuration Checks/Network Policy"
	default:
		return "Unusual Behaviors/Network Flow"
	}
}

func resource(a *alert.Alert, s *Sink) Resource {
	account := a.Account
	if account == "" {
		account = s.Account
	}
	switch {
	case isID(a.Source) && len(a.Source) > 2 && a.Source[:2] == "i-":
		return Resource{"AwsEc2Instance", fmt.Sprintf("arn:aws:ec2:%s:%s:instance/%s", s.Region, account, a.Source)}
	case isID(a.Interface) && a.Interface != "":
		return Resource{"AwsEc2NetworkInterface", fmt.Sprintf("arn:aws:ec2:%s:%s:network-interface/%s", s.Region, account, a.Interface)}
	default:
		return Resource{"Other", cut(Printable(a.Source), 512)}
	}
}
