package flags

import (
	"errors"
	"net/netip"
	"strings"
)

// Address is a flag for a local address and port. The zero value, "off", is none.
type Address struct{ netip.AddrPort }

// Set takes IP:PORT, or :PORT for all addresses of the host, or off.
func (a *Address) Set(text string) error {
	if text == "off" {
		*a = Address{}
		return nil
	}
	if strings.HasPrefix(text, ":") {
		text = "[::]" + text
	}
	parsed, err := netip.ParseAddrPort(text)
	if err != nil {
		return errors.New("want IP:PORT, :PORT or off")
	}
	a.AddrPort = parsed
	return nil
}

// String returns the address as Set takes it.
func (a *Address) String() string {
	if !a.IsValid() {
		return "off"
	}
	return a.AddrPort.String()
}

// Type implements pflag.Value.
func (*Address) Type() string { return "addr" }
