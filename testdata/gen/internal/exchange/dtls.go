package exchange

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/record"
)

// recordDTLS records a client's flow to openssl s_server with the given options.
func recordDTLS(file, server, client string) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	args := append([]string{"s_server", "-quiet", "-accept", dtlsServer, "-cert", certFile, "-key", certFile},
		strings.Fields(server)...)
	cmd := exec.CommandContext(ctx, "openssl", args...)
	cmd.Dir = workDir
	record.Must(cmd.Start())
	defer cmd.Wait()
	defer stop()
	time.Sleep(300 * time.Millisecond)

	c, err := net.ListenPacket("udp", dtlsProxy)
	record.Must(err)
	defer c.Close()
	r := record.Recorder{Limit: 4}
	done := make(chan struct{})
	go func() { defer close(done); r.Flow(c, dtlsServer) }()
	run(client)
	<-done
	r.Write(file, "The first four datagrams of each side.\n\n    openssl s_server "+server+"\n    "+client, "datagrams")
}
