// Package export writes events. A bounded queue takes the batches of the workers, so that a slow output never stops the receive
// path. Its consumer encodes them, one line for each event, and writes the lines to a file, to standard output or to a socket.
// Events for which there is no room, or which an output refuses, are dropped and counted by kind.
//
// Encoders and other consumers have packages of their own: eve, records, parquet and aws.
package export
