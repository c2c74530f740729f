// Package rx receives mirrored datagrams from UDP sockets (ListenUDP) and from packet rings (ListenRing). Package
// rx/capture reads them from files. A source fills a decap.Batch with slices of bytes, their time of arrival and their
// length on the wire. It looks inside a datagram only to find where it starts and ends.
//
// All sources keep one contract. There is no interface type here: the caller declares the methods that it needs.
//
//   - Read(*decap.Batch) error overwrites the batch. Its datagrams belong to the source, must not be written to, and are
//     valid until the next Read. Those of a mapped file can stay valid longer: see capture.Reader.Keep.
//   - Read returns nil with an empty batch when a live source was quiet for its poll interval, so that the caller can age
//     its flows. A Read that returns an error gives no datagrams with it: whatever came before was handed out before.
//   - Read returns os.ErrClosed after Close, and io.EOF at the end of a capture. Every error is final: the source gives
//     the same one again.
//   - One goroutine reads. Close may be called from any other, at any time and more than once, and ends a Read that
//     waits. What the last batch points to stays valid after Close, until the next Read.
//   - Both directions of an inner flow come out of the same source.
package rx
