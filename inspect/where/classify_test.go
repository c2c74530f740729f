package where_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

func TestDomain(t *testing.T) {
	for name, want := range map[string]string{
		"www.example.com": "example.com", "WWW.Example.CO.UK.": "example.co.uk", "com": "com", "": "",
		"bucket.s3.amazonaws.com": "bucket.s3.amazonaws.com", "192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::1", "localhost": "localhost",
	} {
		assert.Equal(t, want, where.Domain(name), name)
	}
}

// TestDomainIsIdempotent: the domain of a domain is itself, it is a suffix of the name, and labels in front do not change it.
func TestDomainIsIdempotent(t *testing.T) {
	label := rapid.StringMatching(`x[a-z0-9]{4,8}x`) // not a public suffix
	rapid.Check(t, func(t *rapid.T) {
		suffix := rapid.SampledFrom([]string{"com", "co.uk", "de", "test", "s3.amazonaws.com"}).Draw(t, "suffix")
		domain := label.Draw(t, "label") + "." + suffix
		name := strings.Join(append(rapid.SliceOfN(label, 0, 3).Draw(t, "labels"), domain), ".")
		got := where.Domain(name)
		require.Equal(t, domain, got, name)
		require.Equal(t, got, where.Domain(got))
		require.Equal(t, got, where.Domain(strings.ToUpper(name)+"."))
	})
}

// TestPrivateBounds: the first and last address of each range is private, and their neighbours outside are not.
func TestPrivateBounds(t *testing.T) {
	for _, c := range []struct{ first, last string }{
		{"10.0.0.0", "10.255.255.255"}, {"172.16.0.0", "172.31.255.255"}, {"192.168.0.0", "192.168.255.255"},
		{"100.64.0.0", "100.127.255.255"}, {"169.254.0.0", "169.254.255.255"}, {"127.0.0.0", "127.255.255.255"},
		{"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}, {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}, {"::1", "::1"},
		{"::ffff:10.0.0.0", "::ffff:10.255.255.255"},
	} {
		first, last := netip.MustParseAddr(c.first), netip.MustParseAddr(c.last)
		assert.True(t, where.Private(first), first)
		assert.True(t, where.Private(last), last)
		assert.False(t, where.Private(first.Prev()), "before %v", first)
		assert.False(t, where.Private(last.Next()), "after %v", last)
	}
	assert.False(t, where.Private(netip.Addr{}), "the unknown address")
}
