package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// BitTorrent's handshake between peers (BEP 3). Both sides send the same message; the first sender opened the connection. The two
// messages make one event.
//
// Conn.Mode is whether a side sent its handshake.

const bittorrentMagic = "\x13BitTorrent protocol"

const (
	bittorrentShook    = 1
	bittorrentHashSize = 20
	bittorrentIDSize   = 20
	bittorrentClient   = 8 // bytes of a peer ID with the client's name, such as -TR3000- (BEP 20)
)

func parseBitTorrent(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	magic := r.Upto(len(bittorrentMagic))
	if !bytes.HasPrefix([]byte(bittorrentMagic), magic.Rest()) {
		return Reject
	}
	r.Skip(8) // extensions
	hash := r.Bytes(bittorrentHashSize)
	id := r.Upto(bittorrentIDSize)
	if !r.OK() || id.Len() < bittorrentIDSize && !in.Final {
		return moreUnless(in.Final)
	}
	side := in.Side & 1
	c.Mode[side] = bittorrentShook
	h.Role, h.Next = Request, Stop
	if c.Mode[1^side] == bittorrentShook {
		h.Role = Response
		printBitTorrentClient(h, keyServerPeer, id)
		return Done
	}
	h.hexStr(keyInfoHash, hash)
	printBitTorrentClient(h, keyClientPeer, id)
	return Done
}

// printBitTorrentClient prints the client and version in a peer ID, if it has them.
func printBitTorrentClient(h *Hint, key Key, id wire.Cursor) {
	client := id.Bytes(bittorrentClient)
	name, ok := bytes.CutPrefix(client, []byte("-"))
	name, end := bytes.CutSuffix(name, []byte("-"))
	if ok && end {
		h.Str(key, name)
	}
}

// Keys of the fields.
var (
	keyClientPeer = KeyOf("client_peer")
	keyServerPeer = KeyOf("server_peer")
)
