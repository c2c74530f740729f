package l7

import (
	"encoding/base64"
	"net/netip"
	"strconv"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// Keys of service parameters; RFC 9460 section 14.3.
const (
	svcMandatory = 0
	svcALPN      = 1
	svcPort      = 3
	svcIPv4Hint  = 4
	svcECH       = 5
	svcIPv6Hint  = 6
)

var svcKeys = [...]string{"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"}

// printSVCB prints a service binding in the format of zone files (RFC 9460 section 2.1): "1 . alpn=h2,h3 ipv4hint=192.0.2.1".
func printSVCB(h *Hint, r *dnsReader) {
	start := len(h.scratch)
	h.scratch = strconv.AppendUint(h.scratch, uint64(r.U16()), 10)
	h.scratch = append(h.scratch, ' ')
	if target := r.name(h); len(target) == 0 {
		h.scratch = append(h.scratch, '.')
	}
	for !r.Empty() {
		key, value := r.U16(), r.Sub(int(r.U16()))
		h.scratch = appendSvcParam(append(h.scratch, ' '), key, value)
	}
	if r.OK() {
		h.Str(keyRData, h.since(start))
	}
}

func appendSvcParam(dst []byte, key uint16, value wire.Cursor) []byte {
	dst = appendSvcKey(dst, key)
	if value.Empty() {
		return dst
	}
	dst = append(dst, '=')
	switch {
	case key == svcPort && value.Len() == 2:
		return strconv.AppendUint(dst, uint64(value.U16()), 10)
	case key == svcECH:
		return base64.StdEncoding.AppendEncode(dst, value.Rest())
	}
	for first := true; !value.Empty(); first = false {
		if !first {
			dst = append(dst, ',')
		}
		dst = appendSvcItem(dst, key, &value)
	}
	return dst
}

func appendSvcKey(dst []byte, key uint16) []byte {
	if int(key) < len(svcKeys) {
		return append(dst, svcKeys[key]...)
	}
	return strconv.AppendUint(append(dst, "key"...), uint64(key), 10)
}

// appendSvcItem reads and appends one item of a parameter's list. A parameter that is no list counts as one item.
func appendSvcItem(dst []byte, key uint16, value *wire.Cursor) []byte {
	switch key {
	case svcMandatory:
		return appendSvcKey(dst, value.U16())
	case svcALPN:
		return appendEscaped(dst, value.Bytes(int(value.U8())))
	case svcIPv4Hint:
		return appendSvcAddr(dst, value.Bytes(4))
	case svcIPv6Hint:
		return appendSvcAddr(dst, value.Bytes(16))
	}
	return appendEscaped(dst, value.Bytes(value.Len()))
}

func appendSvcAddr(dst, b []byte) []byte {
	addr, _ := netip.AddrFromSlice(b) // nil, at the end of a cut list, gives the zero Addr, which prints as nothing
	return addr.AppendTo(dst)
}

// printCAA prints a certification authority authorization in the format of zone files (RFC 8659 section 4.1.1):
// 0 issue "ca.example".
func printCAA(h *Hint, r *dnsReader) {
	start := len(h.scratch)
	h.scratch = strconv.AppendUint(h.scratch, uint64(r.U8()), 10)
	h.scratch = appendEscaped(append(h.scratch, ' '), r.Bytes(int(r.U8())))
	if !r.OK() {
		return
	}
	h.scratch = append(appendEscaped(append(h.scratch, ` "`...), r.Rest()), '"')
	h.Str(keyRData, h.since(start))
}

// appendEscaped appends text in the format of zone files (RFC 1035 section 5.1): bytes that are not printable, or would end an
// item, become a backslash and three digits.
func appendEscaped(dst, text []byte) []byte {
	for _, b := range text {
		if b <= ' ' || b > '~' || b == '"' || b == '\\' || b == ',' {
			dst = append(dst, '\\', '0'+b/100, '0'+b/10%10, '0'+b%10)
			continue
		}
		dst = append(dst, b)
	}
	return dst
}
