package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// parsePorts reads a port or a range of TCP and UDP, or of one of them: 443, 8000-8080, udp/53.
func parsePorts(text string) (p Ports, err error) {
	rest := text
	for name, number := range protocols {
		if after, ok := strings.CutPrefix(text, name+"/"); ok {
			p.Protocol, rest = number, after
		}
	}
	from, to, err := strictyaml.Range(rest, 65535, "port")
	if err != nil {
		return p, fmt.Errorf("%s is no port: want such as 443, 8000-8080 or udp/53", strictyaml.Quote(text))
	}
	p.From, p.To = uint16(from), uint16(to)
	return p, nil
}

var protocols = map[string]uint8{"tcp": tcp, "udp": udp}

// String returns the range as policies have it.
func (p Ports) String() string {
	text := strconv.Itoa(int(p.From))
	if p.To != p.From {
		text += "-" + strconv.Itoa(int(p.To))
	}
	for name, number := range protocols {
		if p.Protocol == number {
			return name + "/" + text
		}
	}
	return text
}
