package l7

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// derOf builds a DER element.
func derOf(tag byte, parts ...string) string {
	body := strings.Join(parts, "")
	switch n := len(body); {
	case n < 0x80:
		return string([]byte{tag, byte(n)}) + body
	case n < 0x100:
		return string([]byte{tag, 0x81, byte(n)}) + body
	default:
		return string([]byte{tag, 0x82, byte(n >> 8), byte(n)}) + body
	}
}

// attribute is a set of a distinguished name with one attribute.
func attribute(oid string, tag byte, value string) string {
	return derOf(derSet, derOf(derSequence, derOf(derOID, oid), derOf(tag, value)))
}

// certificateOf is a certificate whose parts are DER themselves.
func certificateOf(issuer, notBefore, notAfter, subject string) string {
	algorithm := derOf(derSequence, derOf(derOID, "\x2a\x86\x48\xce\x3d\x04\x03\x02"))
	tbs := derOf(derSequence, derOf(derExplicit, derOf(derInteger, "\x02")), derOf(derInteger, "\x00\xe1\x0f"), algorithm,
		derOf(derSequence, issuer), derOf(derSequence, notBefore, notAfter), derOf(derSequence, subject), derOf(derSequence))
	return derOf(derSequence, tbs, algorithm, derOf(3, "\x00"))
}

// certificateMessage is a Certificate message with the given certificates.
func certificateMessage(certs ...string) []byte {
	u24 := func(n int) string { return string([]byte{byte(n >> 16), byte(n >> 8), byte(n)}) }
	var list string
	for _, c := range certs {
		list += u24(len(c)) + c
	}
	return []byte("\x0b" + u24(len(list)+3) + u24(len(list)) + list)
}

var (
	helloOf12 = tlsHello(tlsServerHello, tls12, nil, suite, nil)
	helloDone = []byte{14, 0, 0, 0}
)

// serverText parses what a server says in a new connection, and returns what is printed; empty if it is not decided yet.
func serverText(t require.TestingT, data []byte, final bool) string {
	var h Hint
	m := message{parse: parseTLS}
	got := m.try(t, &h, Input{Data: data, Side: 1, Final: final})
	require.NotEqual(t, Reject, got.verdict)
	return got.text
}

// TestCertificate has certificates of all sorts of names, cut into records of any size.
func TestCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zA-Z0-9 .*'ä€-]{1,20}`)
		dns := rapid.SliceOfN(rapid.StringMatching(`(\*\.)?[a-z0-9-]{1,20}\.[a-z]{2,6}`), 0, 40).Draw(t, "dns")
		template := x509.Certificate{
			SerialNumber: big.NewInt(rapid.Int64Min(1).Draw(t, "serial")),
			Subject: pkix.Name{Country: []string{"DE"}, Organization: []string{text.Draw(t, "O")},
				OrganizationalUnit: []string{text.Draw(t, "OU")}, CommonName: text.Draw(t, "CN")},
			NotBefore: time.Unix(rapid.Int64Range(-6e8, 5e9).Draw(t, "from"), 0).UTC(),
			NotAfter:  time.Unix(rapid.Int64Range(5e9, 9e9).Draw(t, "to"), 0).UTC(),
			DNSNames:  dns, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 7), net.ParseIP("2001:db8::7")},
		}
		der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
		require.NoError(t, err)
		flight := join(helloOf12, certificateMessage(string(der), string(der)), helloDone)
		got := serverText(t, tlsRecords(0x0303, rapid.IntRange(1, 2000).Draw(t, "record"), flight), false)

		dn := fmt.Sprintf("%q", fmt.Sprintf("C=DE, O=%s, OU=%s, CN=%s", template.Subject.Organization[0],
			template.Subject.OrganizationalUnit[0], template.Subject.CommonName))
		assert.Contains(t, got, "subject "+dn)
		assert.Contains(t, got, "issuerdn "+dn)
		assert.Contains(t, got, `"192.0.2.7", "2001:db8::7"}`)
		for _, name := range dns {
			assert.Contains(t, got, fmt.Sprintf("%q, ", name))
		}
		raw := template.SerialNumber.Bytes()
		if raw[0] >= 0x80 {
			raw = append([]byte{0}, raw...)
		}
		assert.Contains(t, got, fmt.Sprintf("serial %q", strings.ReplaceAll(fmt.Sprintf("% X", raw), " ", ":")))
		sum := sha1.Sum(der)
		assert.Contains(t, got, fmt.Sprintf("fingerprint %q", strings.ReplaceAll(fmt.Sprintf("% x", sum), " ", ":")))
		assert.Contains(t, got, "notbefore "+template.NotBefore.Format(`"2006-01-02T15:04:05"`))
		assert.Contains(t, got, "notafter "+template.NotAfter.Format(`"2006-01-02T15:04:05"`))
		if len(dns) > 0 {
			assert.Contains(t, got, fmt.Sprintf("cert=%q", dns[0]))
		}
	})
}

// TestCertificateWaits: a server's response waits until its certificate is complete, and does not depend on later bytes.
func TestCertificateWaits(t *testing.T) {
	der := certificateOf(attribute("\x55\x04\x0a", 12, "CA"), derOf(derUTCTime, "240101000000Z"),
		derOf(derUTCTime, "250101000000Z"), attribute(oidCommonName, 12, "c.example"))
	flight := tlsRecords(0x0303, 50, join(helloOf12, certificateMessage(der), helloDone))
	want := serverText(t, flight, false)
	assert.Contains(t, want, `cert="c.example"`)
	early := 0
	for n := range flight {
		got := serverText(t, flight[:n], false)
		if got == "" {
			early = n
			continue
		}
		require.Equal(t, want, got)
	}
	assert.Greater(t, early, len(helloOf12)+len(der))
}

// TestCertificateCut takes from a certificate that was cut the names that are whole, and no fingerprint.
func TestCertificateCut(t *testing.T) {
	der := certificateOf(attribute("\x55\x04\x0a", 12, "CA"), derOf(derUTCTime, "240101000000Z"),
		derOf(derUTCTime, "250101000000Z"), attribute(oidCommonName, 12, "c.example"))
	flight := tlsRecords(0x0303, maxTLSRecord, join(helloOf12, certificateMessage(der)))
	got := serverText(t, flight[:len(flight)-30], true)
	assert.Contains(t, got, `issuerdn "O=CA"`)
	assert.Contains(t, got, `notbefore "2024-01-01T00:00:00"`)
	assert.NotContains(t, got, "subject")
	assert.NotContains(t, got, "fingerprint")
}

// TestNoCertificate has what servers say in its place.
func TestNoCertificate(t *testing.T) {
	hello := tlsRecords(0x0303, maxTLSRecord, helloOf12)
	record := func(msg []byte) []byte { return join(hello, tlsRecords(0x0303, maxTLSRecord, msg)) }
	want := serverText(t, hello, true)
	for name, data := range map[string][]byte{
		"resumption":           join(hello, []byte{20, 3, 3, 0, 1, 1}),
		"an alert":             join(hello, []byte{21, 3, 3, 0, 2, 2, 40}),
		"key exchange":         record([]byte{12, 0, 0, 1, 0}),
		"no certificates":      record(certificateMessage()),
		"an empty certificate": record(certificateMessage("", "x")),
		"lengths that lie":     record([]byte{11, 0, 0, 20, 0, 0, 18, 0, 0, 15}),
		"one that is too long": record([]byte{11, 0, 0, 20, 0, 0, 17, 0, 0, 15}),
	} {
		assert.Equal(t, want, serverText(t, data, false), name)
	}
	tls13Hello := tlsHello(tlsServerHello, tls12, nil, suite, tlsExt(extSupportedVersions, "\x03\x04"))
	assert.NotEmpty(t, serverText(t, tlsRecords(0x0303, maxTLSRecord, tls13Hello), false), "TLS 1.3 encrypts it")
}

// TestDistinguishedNames prints what is rare in names.
func TestDistinguishedNames(t *testing.T) {
	when := derOf(derUTCTime, "491231235959Z")
	for _, c := range []struct{ subject, want, name string }{
		{attribute(oidCommonName, derBMPString, "\x00a\x20\xac\xd8\x00"), "CN=a€\uFFFD", ""},
		{attribute("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 22, "a@b.example"), "Email=a@b.example", ""},
		{attribute("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 22, "example"), "DC=example", ""},
		{attribute("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", 19, "US"), "1.3.6.1.4.1.311.60.2.1.3=US", ""},
		{attribute("\x88\x37", 12, "x"), "2.999=x", ""},
		{derOf(derSet, derOf(derSequence, derOf(derOID, "\x55\x04\x0b"), derOf(12, "a")),
			derOf(derSequence, derOf(derOID, oidCommonName), derOf(12, "h.example"))), "OU=a + CN=h.example", "h.example"},
		{attribute(oidCommonName, 12, "An Authority"), "CN=An Authority", ""},
		{attribute(oidCommonName, 12, "a.example") + "\x31\x84", "CN=a.example", "a.example"},
	} {
		var h Hint
		cert := readCertificate([]byte(certificateOf("", when, when, c.subject)), true)
		cert.print(&h)
		assert.Equal(t, c.want, fieldText(&h, "subject"))
		assert.Equal(t, c.name, string(h.Name))
		assert.Equal(t, "no issuerdn", fieldText(&h, "issuerdn"))
		assert.Equal(t, "00:E1:0F", fieldText(&h, "serial"))
	}
}

// TestCertificateTimes has both forms, and what is none.
func TestCertificateTimes(t *testing.T) {
	for text, want := range map[string]string{
		derOf(derUTCTime, "491231235959Z"):           "2049-12-31T23:59:59",
		derOf(derUTCTime, "500101000000Z"):           "1950-01-01T00:00:00",
		derOf(derGeneralizedTime, "20500101000000Z"): "2050-01-01T00:00:00",
		derOf(derGeneralizedTime, "99991231235959Z"): "no notbefore",
		derOf(derUTCTime, "4912312359Z"):             "no notbefore",
		derOf(derUTCTime, "49123123595xZ"):           "no notbefore",
		derOf(derOctets, "491231235959Z"):            "no notbefore",
	} {
		var h Hint
		cert := readCertificate([]byte(certificateOf("", text, text, "")), true)
		cert.print(&h)
		assert.Equal(t, want, fieldText(&h, "notbefore"), "%q", text)
	}
}
