package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// parsePorts reads a port or a range of TCP and UDP, or of one of them: 443, 8000-8080, udp/53.
func parsePorts(text string) (p Ports, err error) {
	protocol, rest := cutProtocol(text)
	from, to, err := strictyaml.Range(rest, 65535, "port")
	if err != nil {
		return p, fmt.Errorf("%s is no port: want such as 443, 8000-8080 or udp/53", strictyaml.Quote(text))
	}
	return Ports{protocol, uint16(from), uint16(to)}, nil
}

// cutProtocol splits tcp/ or udp/ from the front of a text. The protocol is 0 without it.
func cutProtocol(text string) (protocol uint8, rest string) {
	for _, known := range Protocols {
		if after, ok := strings.CutPrefix(text, known.Name+"/"); ok {
			return known.Number, after
		}
	}
	return 0, text
}

// Protocols are the protocols with ports, by the names that policies have for them.
var Protocols = []struct {
	Name   string
	Number uint8
}{{"tcp", TCP}, {"udp", UDP}}

// String returns the range as policies have it.
func (p Ports) String() string {
	text := strconv.Itoa(int(p.From))
	if p.To != p.From {
		text += "-" + strconv.Itoa(int(p.To))
	}
	for _, known := range Protocols {
		if p.Protocol == known.Number {
			return known.Name + "/" + text
		}
	}
	return text
}
