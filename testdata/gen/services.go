//go:build ignore

// Services makes the exchanges of databases, brokers and other servers in ../l7: it stands between a real client and a real
// server on loopback and writes down what they say. From that folder, as root:
//
//	go run ../gen/services.go ../gen/commands.go ../gen/peers.go [NAME...]
//
// commands.go has the commands, and names the programs that they need. Each server has a folder of its own under a temporary
// one and ends with its exchange.
package main

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	proxyAddr  = "127.0.0.1:7001" // $PROXY is its port
	serverAddr = "127.0.0.1:7002" // $SERVER is its port

	// An Ethernet segment's worth: what one read takes is one segment of the file.
	segmentSize = 1460
)

// exchange is one file. Its commands run in the shell, in a folder of the exchange's own, with $GEN as the folder of this
// program and $PROXY and $SERVER as the ports.
type exchange struct {
	file   string
	about  string // what stands above the commands in the file
	setup  string
	server string             // stays in the foreground
	serve  func(net.Listener) // the server, if it is in this program
	client string
	udp    bool
	limit  int // segments of each side; 16 if 0
}

// recorder takes down who said what.
type recorder struct {
	mu    sync.Mutex
	lines []string
	count [2]int
	limit int
}

func (r *recorder) add(side int, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count[side]++; r.count[side] > r.limit {
		return
	}
	mark := "><"[side : side+1]
	for line := range slices.Chunk(data, 48) {
		r.lines = append(r.lines, mark+" "+hex.EncodeToString(line)+"\n")
		mark = " "
	}
}

// streams passes TCP connections on. The first one is recorded; clients of databases make more of the same.
func (r *recorder) streams(l net.Listener) {
	for ; ; r = new(recorder) {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", serverAddr)
		if err != nil {
			log.Print(err)
			client.Close()
			continue
		}
		go r.copy(server, client, 0)
		go r.copy(client, server, 1)
	}
}

func (r *recorder) copy(to, from net.Conn, side int) {
	defer to.Close()
	buf := make([]byte, segmentSize)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			r.add(side, buf[:n])
			to.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// datagrams passes queries on, and each one's response back.
func (r *recorder) datagrams(c net.PacketConn) {
	server, err := net.Dial("udp", serverAddr)
	must(err)
	defer server.Close()
	buf := make([]byte, 4096)
	for {
		n, client, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		r.add(0, buf[:n])
		server.Write(buf[:n])
		server.SetReadDeadline(time.Now().Add(time.Second))
		if n, err = server.Read(buf); err == nil {
			r.add(1, buf[:n])
			c.WriteTo(buf[:n], client)
		}
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// shell makes a command in a process group of its own.
func shell(dir, command string) *exec.Cmd {
	gen, err := filepath.Abs("../gen")
	must(err)
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GEN="+gen, "PROXY="+proxyAddr[len("127.0.0.1:"):], "SERVER="+serverAddr[len("127.0.0.1:"):])
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// run runs a command to its end; that it fails is what some of them are for.
func run(dir, command string) {
	out, err := shell(dir, command).CombinedOutput()
	if err != nil {
		log.Printf("%s: %v\n%s", command, err, out)
	}
}

// stop ends a server, and waits until it has ended: the next one needs its port.
func stop(cmd *exec.Cmd) {
	syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	cmd.Wait()
	kill.Stop()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its children
}

func (x *exchange) record() {
	dir, err := os.MkdirTemp("", "exchange")
	must(err)
	defer os.RemoveAll(dir)
	must(os.Chmod(dir, 0o755)) // servers that give up root have to get in
	run(dir, x.setup)
	if x.serve != nil {
		l, err := net.Listen("tcp", serverAddr)
		must(err)
		defer l.Close()
		go x.serve(l)
	} else {
		cmd := shell(dir, x.server)
		must(cmd.Start())
		defer stop(cmd)
	}
	r := recorder{limit: cmp.Or(x.limit, 16)}
	x.proxy(dir, &r)
	x.write(&r)
}

// proxy runs the client through the recorder.
func (x *exchange) proxy(dir string, r *recorder) {
	if x.udp {
		time.Sleep(time.Second)
		c, err := net.ListenPacket("udp", proxyAddr)
		must(err)
		defer c.Close()
		go r.datagrams(c)
	} else {
		wait()
		l, err := net.Listen("tcp", proxyAddr)
		must(err)
		defer l.Close()
		go r.streams(l)
	}
	run(dir, x.client)
	time.Sleep(200 * time.Millisecond)
}

// wait waits until the server accepts connections.
func wait() {
	for range 300 {
		if c, err := net.Dial("tcp", serverAddr); err == nil {
			c.Close()
			time.Sleep(500 * time.Millisecond) // some listen before they are ready
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	log.Fatal("the server does not come up")
}

// write makes the file without a want section, which the test adds.
func (x *exchange) write(r *recorder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	section := "stream"
	if x.udp {
		section = "datagrams"
	}
	commands := "\n    " + strings.ReplaceAll(strings.Trim(x.server+"\n"+x.client, "\n"), "\n", "\n    ")
	text := fmt.Sprintf("%s\n%s\n\n-- %s --\n%s", x.about, commands, section, strings.Join(r.lines, ""))
	must(os.WriteFile(x.file, []byte(text), 0o644))
}

func main() {
	for _, x := range exchanges {
		if len(os.Args) == 1 || slices.Contains(os.Args[1:], strings.TrimSuffix(x.file, ".txtar")) {
			x.record()
		}
	}
}
