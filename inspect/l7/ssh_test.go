package l7

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sshKexInitPacket makes an offer without padding, with the same lists for both directions.
func sshKexInitPacket(kex, ciphers, macs, compressions string) []byte {
	body := append([]byte{0, sshKexInit}, make([]byte, 16)...)
	for _, list := range []string{kex, "ssh-rsa", ciphers, ciphers, macs, macs, compressions, compressions, "", ""} {
		body = binary.BigEndian.AppendUint32(body, uint32(len(list)))
		body = append(body, list...)
	}
	body = append(body, 0, 0, 0, 0, 0)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// The example of HASSH's own documentation: the client Cyberduck 6.7.1.
func TestSSHPublishedHASSH(t *testing.T) {
	group := "diffie-hellman-group"
	kex := "curve25519-sha256@libssh.org," + group + "-exchange-sha256,ecdh-sha2-nistp521,ecdh-sha2-nistp384,ecdh-sha2-nistp256," +
		group + "-exchange-sha1," + group + "1-sha1," + group + "14-sha1," + group + "14-sha256," + group + "15-sha512," +
		group + "16-sha512," + group + "17-sha512," + group + "18-sha512," + group + "14-sha256@ssh.com," + group + "15-sha256," +
		group + "15-sha256@ssh.com," + group + "15-sha384@ssh.com," + group + "16-sha256," + group + "16-sha384@ssh.com," +
		group + "16-sha512@ssh.com," + group + "18-sha512@ssh.com"
	var ciphers []string
	for _, family := range []string{"aes128", "aes192", "aes256", "blowfish", "cast128", "idea", "serpent128", "serpent192",
		"serpent256", "3des", "twofish128", "twofish192", "twofish256"} {
		ciphers = append(ciphers, family+"-cbc", family+"-ctr")
	}
	ciphers = append(ciphers, "twofish-cbc", "arcfour", "arcfour128", "arcfour256")
	data := "SSH-2.0-Cyberduck/6.7.1.28683 (Mac OS X/10.13.6) (x86_64)\r\n"
	data += string(sshKexInitPacket(kex, strings.Join(ciphers, ","),
		"hmac-sha1,hmac-sha1-96,hmac-md5,hmac-md5-96,hmac-sha2-256,hmac-sha2-512", "zlib@openssh.com,zlib,none")) +
		"\x00\x00\x00\x0c\x05\x1e"
	var h Hint
	var c Conn
	require.Equal(t, Done, parseSSH(&h, &c, Input{Data: []byte(data)}))
	assert.Equal(t, Request, h.Role)
	assert.Equal(t, "8a8ae540028bf433cd68356c1b9e8d5b", fieldText(&h, "hash"))
	assert.Equal(t, "Cyberduck/6.7.1.28683", fieldText(&h, "software_version"))
	assert.Equal(t, "(Mac OS X/10.13.6) (x86_64)", fieldText(&h, "comment"))
}

// Who the client is, from the strongest evidence to none.
func TestSSHWhoSentIt(t *testing.T) {
	version := "SSH-2.0-x\r\n"
	offer := version + string(sshKexInitPacket("a", "b", "c", "d"))
	for _, tc := range []struct {
		name, data string
		other      uint8
		opener     [2]bool
		want       Role
	}{
		{"asks for the exchange", offer + "\x00\x00\x00\x0c\x05\x1e", sshClient, [2]bool{}, Request},
		{"asks for a group", offer + "\x00\x00\x00\x0c\x05\x22", 0, [2]bool{}, Request},
		{"answers", offer + "\x00\x00\x00\x0c\x05\x1f", 0, [2]bool{true}, Response},
		{"mark of a client", version + string(sshKexInitPacket("a,ext-info-c", "b", "c", "d")), 0, [2]bool{1: true}, Request},
		{"mark of a server", version + string(sshKexInitPacket("ext-info-s", "b", "c", "d")), 0, [2]bool{true}, Response},
		{"the other is the server", offer, sshServer, [2]bool{}, Request},
		{"the other is the client", version, sshClient, [2]bool{true}, Response},
		{"opened the connection", version, 0, [2]bool{true}, Request},
		{"was called", version, 0, [2]bool{1: true}, Response},
		{"no evidence", offer, 0, [2]bool{}, Interim},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var h Hint
			c := Conn{Mode: [2]uint8{1: tc.other}}
			require.Equal(t, Done, parseSSH(&h, &c, Input{Data: []byte(tc.data), Final: true, Opener: tc.opener}))
			assert.Equal(t, tc.want, h.Role)
			assert.Equal(t, Stop, h.Next)
		})
	}
}

func TestSSHRejects(t *testing.T) {
	for _, data := range []string{"SSH-2.0", "SSH-2.0-x", "SSH-x.0-y\r\n", "SSH-2.0 y\r\n", "SSH-2.0-a\x00b\r\n",
		"SSH-2.0-" + strings.Repeat("x", sshMaxVersion) + "\r\n"} {
		var h Hint
		var c Conn
		assert.Equal(t, Reject, parseSSH(&h, &c, Input{Data: []byte(data), Final: true}), data)
	}
}
