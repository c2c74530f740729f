// Command gopacket finds names in a capture as the documentation of gopacket shows it: a PacketSource decodes whole packets and
// their outer headers, package reassembly orders TCP, and the first bytes of each client are searched for a name. It stands for a
// Go program that uses the usual library. mirrorsink's replay is compared with it.
//
//	gopacket CAPTURE EVENTS
//
// It writes a line of JSON for each server name of TLS, each Host of HTTP and each question of DNS, and prints the number of
// packets at the end. It has no QUIC, no fingerprints and no flows, verifies no checksums and reassembles no fragments.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/gopacket"
	"github.com/google/gopacket/pcapgo"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gopacket CAPTURE EVENTS")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gopacket:", err)
		os.Exit(1)
	}
}

// run writes the events of a capture to a file, and a summary.
func run(capture, events string, summary io.Writer) error {
	in, err := os.Open(capture)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(events)
	if err != nil {
		return err
	}
	defer out.Close()
	buffered := bufio.NewWriterSize(out, 64<<10)
	f := newFinder(buffered)
	if err := readAll(in, f); err != nil {
		return fmt.Errorf("read %s: %w", capture, err)
	}
	f.close()
	fmt.Fprintf(summary, "%d packets, %d names\n", f.packets, f.names)
	return errors.Join(f.err, buffered.Flush())
}

// readAll reads all packets of a capture. A packet is valid until the next read, which saves two copies of each.
func readAll(in io.Reader, f *finder) error {
	r, err := pcapgo.NewReader(bufio.NewReaderSize(in, 1<<20))
	if err != nil {
		return err
	}
	source := gopacket.NewPacketSource(withoutCopy{r}, r.LinkType())
	source.DecodeOptions = gopacket.DecodeOptions{Lazy: true, NoCopy: true}
	for {
		switch p, err := source.NextPacket(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		default:
			f.packet(p)
		}
	}
}

// withoutCopy reads every packet into the same buffer.
type withoutCopy struct{ r *pcapgo.Reader }

func (w withoutCopy) ReadPacketData() ([]byte, gopacket.CaptureInfo, error) {
	return w.r.ZeroCopyReadPacketData()
}
