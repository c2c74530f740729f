// Package export writes events: it takes the batches of the workers into a bounded queue, so that a slow output never
// stops the receive path, encodes them one line an event, and writes the lines to a file, to standard output or to a
// socket. What there is no room for, or what an output refuses, is dropped and counted by kind.
package export
