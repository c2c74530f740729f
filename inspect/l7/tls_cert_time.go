package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// certTime is a point in time in a certificate: year to second in digits, in UTC. It is empty if there is none in the form that
// RFC 5280 section 4.1.2.5 requires.
type certTime struct {
	century string // of a UTCTime, which lacks it
	digits  []byte
}

func readCertTime(validity *wire.Cursor) (t certTime) {
	tag, body, whole := derNext(validity)
	text := body.Rest()
	switch {
	case !whole:
		return certTime{}
	case tag == derUTCTime && len(text) == len("YYMMDDhhmmssZ"):
		t.century = "20"
		if text[0] >= '5' {
			t.century = "19"
		}
	case tag != derGeneralizedTime || len(text) != len("YYYYMMDDhhmmssZ"):
		return certTime{}
	}
	t.digits = text[:len(text)-1]
	for _, b := range t.digits {
		if b < '0' || b > '9' {
			return certTime{}
		}
	}
	return t
}

// print prints the time in the form of Suricata's schema, which excludes the year 9999, "no end".
func (t *certTime) print(h *Hint, key Key) {
	start := len(h.scratch)
	h.scratch = append(append(h.scratch, t.century...), t.digits...)
	text := h.since(start)
	if len(text) != len("YYYYMMDDhhmmss") || text[0] != '1' && text[0] != '2' {
		return
	}
	printed := append(h.Scratch(len("YYYY-MM-DDThh:mm:ss"))[:0], text[:4]...)
	for i, separator := range []byte("--T::") {
		printed = append(append(printed, separator), text[4+2*i:6+2*i]...)
	}
	h.Str(key, printed)
}
