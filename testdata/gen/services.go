//go:build ignore

// Services records the exchanges of databases, brokers and other servers in ../l7: it is a proxy on loopback between a real client
// and a real server. From that folder, as root:
//
//	go run ../gen/services.go ../gen/recorder.go ../gen/commands.go ../gen/peers.go [NAME...]
//
// commands.go has the commands, and names the programs that they need. Each server runs in a temporary folder of its own and ends
// with its exchange.
package main

import (
	"cmp"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	proxyAddr  = "127.0.0.1:7001" // $PROXY is its port
	serverAddr = "127.0.0.1:7002" // $SERVER is its port
)

// exchange is one file. Its commands run in the shell, in a temporary folder. $GEN is the folder of this program, $PROXY and
// $SERVER are the ports.
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

// shell returns a command in a process group of its own.
func shell(dir, command string) *exec.Cmd {
	gen, err := filepath.Abs("../gen")
	must(err)
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GEN="+gen, "PROXY="+proxyAddr[len("127.0.0.1:"):], "SERVER="+serverAddr[len("127.0.0.1:"):])
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// run runs a command to its end. Some commands are meant to fail.
func run(dir, command string) {
	out, err := shell(dir, command).CombinedOutput()
	if err != nil {
		log.Printf("%s: %v\n%s", command, err, out)
	}
}

// stop ends a server and waits for it, since the next one uses the same port.
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
	must(os.Chmod(dir, 0o755)) // for servers that drop root
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
		go r.datagrams(c, serverAddr)
	} else {
		wait()
		l, err := net.Listen("tcp", proxyAddr)
		must(err)
		defer l.Close()
		go r.streams(l, serverAddr)
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

func (x *exchange) write(r *recorder) {
	section := "stream"
	if x.udp {
		section = "datagrams"
	}
	commands := "\n    " + strings.ReplaceAll(strings.Trim(x.server+"\n"+x.client, "\n"), "\n", "\n    ")
	r.write(x.file, x.about+"\n"+commands, section)
}

func main() {
	for _, x := range exchanges {
		if len(os.Args) == 1 || slices.Contains(os.Args[1:], strings.TrimSuffix(x.file, ".txtar")) {
			x.record()
		}
	}
}
