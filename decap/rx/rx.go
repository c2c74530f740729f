// Package rx is where datagrams come from: mirror sockets (ListenUDP), packet rings (ListenRing) and capture files
// (OpenCapture). What comes out is a decap.Batch of byte slices with their time of arrival and length on the wire. The package doesn't look inside them
// further than it must to find where each one starts and ends.
//
// All sources keep one contract, though there is no interface type here, since who reads declares what it needs:
//
//   - Read(*decap.Batch) error overwrites the batch. Its datagrams belong to the source, must not be written to, and are
//     valid until the next Read, be it on a socket's slots, a ring, a mapped file or a buffer; on a mapped file longer: see
//     Capture.Keep.
//   - Read returns nil with an empty batch when a live source was quiet for its poll interval, so that the caller can age
//     its flows. A Read that returns an error gives no datagrams with it: whatever came before was handed out before.
//   - Read returns os.ErrClosed after Close, and io.EOF at the end of a capture. Every error is final: the source gives
//     the same one again.
//   - One goroutine reads. Close may be called from any other, at any time and more than once, and ends a Read that
//     waits. What the last batch points to stays valid after Close, until the next Read.
//   - Both directions of an inner flow come out of the same source.
package rx
