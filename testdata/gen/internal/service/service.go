// Package service records the exchanges of databases, brokers and other servers: it is a proxy on loopback between a real client and
// a real server.
package service

import (
	"cmp"
	"fmt"
	"log"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/record"
)

const (
	proxyAddr  = "127.0.0.1:7001" // $PROXY is its port
	serverAddr = "127.0.0.1:7002" // $SERVER is its port
)

// exchange is one file. Its commands run in the shell, in a temporary folder. $PROXY and $SERVER are
// the ports.
type exchange struct {
	file   string
	about  string // the text above the commands in the file
	setup  string
	server string             // in the foreground
	serve  func(net.Listener) // the server, if it is in this program
	client string
	udp    bool
	limit  int // segments of each side; 16 if 0
}

// groups are all exchanges, by the programs that they need.
var groups = map[string][]exchange{
	"servers": slices.Concat(databases, brokers, directories, others),
	"texts":   slices.Concat(mail, shells, caches, calls),
	"packets": slices.Concat(datagrams, tunnels),
}

// Groups returns the names of the groups.
func Groups() []string { return slices.Sorted(maps.Keys(groups)) }

// Record records exchanges in the current folder: those with a name, and those of a group with a name. Each server runs in a
// temporary folder of its own, and ends with its exchange.
func Record(names []string) error {
	var chosen []exchange
	for _, name := range names {
		found := slices.Clone(groups[name])
		for _, group := range groups {
			for _, x := range group {
				if x.file == name+".txtar" {
					found = append(found, x)
				}
			}
		}
		if len(found) == 0 {
			return fmt.Errorf("no exchange and no group %q; the groups are %s", name, strings.Join(Groups(), ", "))
		}
		chosen = append(chosen, found...)
	}
	for i := range chosen {
		chosen[i].record()
	}
	return nil
}

func (x *exchange) record() {
	dir, err := os.MkdirTemp("", "exchange")
	record.Must(err)
	defer os.RemoveAll(dir)
	record.Must(os.Chmod(dir, 0o755)) // for servers that drop root
	run(dir, x.setup)
	if x.serve != nil {
		l, err := net.Listen("tcp", serverAddr)
		record.Must(err)
		defer l.Close()
		go x.serve(l)
	} else {
		cmd := shell(dir, x.server)
		record.Must(cmd.Start())
		defer stop(cmd)
	}
	r := record.Recorder{Limit: cmp.Or(x.limit, 16)}
	x.proxy(dir, &r)
	x.write(&r)
}

// proxy runs the client through the recorder.
func (x *exchange) proxy(dir string, r *record.Recorder) {
	if x.udp {
		time.Sleep(time.Second)
		c, err := net.ListenPacket("udp", proxyAddr)
		record.Must(err)
		defer c.Close()
		go r.Datagrams(c, serverAddr)
	} else {
		wait()
		l, err := net.Listen("tcp", proxyAddr)
		record.Must(err)
		defer l.Close()
		go r.Streams(l, serverAddr)
	}
	run(dir, x.client)
	time.Sleep(200 * time.Millisecond)
}

// wait waits until the server accepts connections.
func wait() {
	for range 300 {
		if c, err := net.Dial("tcp", serverAddr); err == nil {
			c.Close()
			time.Sleep(500 * time.Millisecond) // some servers listen before they are ready
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	log.Fatal("the server does not accept connections")
}

func (x *exchange) write(r *record.Recorder) {
	section := "stream"
	if x.udp {
		section = "datagrams"
	}
	commands := "\n    " + strings.ReplaceAll(strings.Trim(x.server+"\n"+x.client, "\n"), "\n", "\n    ")
	r.Write(x.file, x.about+"\n"+commands, section)
}
