// Package mmsg sends and receives many messages with one system call: sendmmsg(2) and recvmmsg(2) of Linux. It allocates
// nothing. Headers, buffers and addresses are the caller's. On other systems it is empty.
package mmsg
