package spec

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// idForm is the format of a kind of EC2 IDs.
type idForm struct {
	prefix string
	of     string
}

var (
	interfaceID = idForm{"eni-", "a network interface"}
	instanceID  = idForm{"i-", "an instance"}
	vpcID       = idForm{"vpc-", "a VPC"}
	subnetID    = idForm{"subnet-", "a subnet"}
	targetID    = idForm{"tmt-", "a traffic mirror target"}
	endpointID  = idForm{"vpce-", "a VPC endpoint"}
)

// idDigits follow the prefix: 17 digits, or 8 of resources from before 2018.
var idDigits = regexp.MustCompile(`^[0-9a-f]{1,17}$`)

func (f idForm) parse(text string) (string, error) {
	digits, ok := strings.CutPrefix(text, f.prefix)
	if !ok || !idDigits.MatchString(digits) {
		return "", fmt.Errorf("%s is not the ID of %s: want %s and hexadecimal digits", strictyaml.Quote(text), f.of, f.prefix)
	}
	return text, nil
}

// arnForm is the ARN of a load balancer, with its kind, name and number.
var arnForm = regexp.MustCompile(`^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/([a-z]+)/[A-Za-z0-9-]+/[0-9a-f]+$`)

func parseLoadBalancer(text string) (string, error) {
	m := arnForm.FindStringSubmatch(text)
	switch {
	case m == nil:
		return "", fmt.Errorf("%s is not the ARN of a Network Load Balancer: want arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/net/NAME/NUMBER", strictyaml.Quote(text))
	case m[1] == "app":
		return "", fmt.Errorf("%s is an Application Load Balancer, which takes no UDP: want a Network Load Balancer, loadbalancer/net/…", strictyaml.Quote(text))
	case m[1] == "gwy":
		return "", fmt.Errorf("%s is a Gateway Load Balancer: give an endpoint of its service, under gateway-load-balancer-endpoint", strictyaml.Quote(text))
	case m[1] != "net":
		return "", fmt.Errorf("%s is not a Network Load Balancer: want loadbalancer/net/…", strictyaml.Quote(text))
	}
	return text, nil
}
