package l7

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An LDAP search of the root as Windows writes it, with four bytes for each length: (objectClass=*), no attributes.
const windowsSearch = "30 84 0000002d 020101 63 84 00000024 0400 0a0100 0a0100 020100 020178 010100" +
	"87 0b 6f626a656374436c617373 30 84 00000000"

func TestLDAPLongLengths(t *testing.T) {
	data := unhex(t, windowsSearch)
	for name, parse := range map[string]Parse{"stream": parseLDAPStream, "datagram": parseLDAP} {
		var h Hint
		var c Conn
		require.Equal(t, Done, parse(&h, &c, Input{Data: data}), name)
		assert.Equal(t, Request, h.Role, name)
		assert.Equal(t, len(data), h.Next, name)
	}
}

// TestLDAPEncrypted: what follows a bind may be encrypted by SASL; nothing more is read then, in either direction.
func TestLDAPEncrypted(t *testing.T) {
	var h Hint
	var c Conn
	require.Equal(t, Done, parseLDAPStream(&h, &c, Input{Data: unhex(t, windowsSearch)}))
	for side := range uint8(2) {
		h.Reset()
		require.Equal(t, Done, parseLDAPStream(&h, &c, Input{Data: unhex(t, "000001f4 0504"), Side: side}))
		assert.Equal(t, Framing, h.Role)
		assert.Equal(t, Stop, h.Next)
	}
}

// TestLDAPFirst: a connection does not begin with a response, nor with a request that has to follow another.
func TestLDAPFirst(t *testing.T) {
	for name, data := range map[string]string{
		"bind response":     "300c 020101 6107 0a0100 0400 0400",
		"unbind":            "3005 020101 4200",
		"version 7":         "300c 020101 6007 020107 0400 8000",
		"a community":       "300c 020101 0406 7075626c6963 00",
		"an operation past": "300c 020101 6037 020103 0400 8000",
	} {
		var h Hint
		var c Conn
		assert.Equal(t, Reject, parseLDAPStream(&h, &c, Input{Data: unhex(t, data)}), name)
	}
}
