// Package ec2test is an EC2 for tests: a server with state that implements the wire protocol of the EC2 API, as far as traffic mirroring
// needs it, and of Elastic Load Balancing, as far as doctor needs it. Clients are the real ones, with their endpoint set to Server.URL. The
// server is as strict as AWS about quotas, dependencies, error codes, dry runs, pages and client tokens. A test can make it eventually
// consistent, and make it throttle, fail, and lose replies.
//
// It does not check signatures and accepts any region. It is not part of the program.
package ec2test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
)

// Server is a running server. All methods are safe for concurrent use.
type Server struct {
	URL string // http://127.0.0.1:port

	account  string
	region   string
	limits   Limits
	http     http.Server
	serving  sync.WaitGroup
	requests sync.WaitGroup

	mu        sync.Mutex // guards the following
	store     store
	random    *rand.Rand
	number    uint64         // of calls so far
	calls     map[string]int // by action
	mutations []Mutation
	tokens    map[string]pastAnswer // by action and ClientToken
	denied    set
	faults    []*faultRule
	hook      func(action string, n int) Fault
	delay     int
}

// New starts a server on a free port of the loopback interface. It panics on failure, as net/http/httptest does.
func New(a Account) *Server {
	s, err := Listen(a, "127.0.0.1:0")
	if err != nil {
		panic("ec2test: " + err.Error())
	}
	return s
}

// Listen starts a server at an address.
func Listen(a Account, address string) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{
		URL:     "http://" + listener.Addr().String(),
		account: cmp.Or(a.ID, "111122223333"), region: cmp.Or(a.Region, "eu-west-1"), limits: a.Limits.orAWS(),
		store: newStore(), random: rand.New(rand.NewPCG(a.Seed, 0)),
		calls: map[string]int{}, tokens: map[string]pastAnswer{}, denied: set{},
	}
	s.seed(&a)
	s.http.Handler = s
	s.serving.Go(func() { _ = s.http.Serve(listener) }) // http.ErrServerClosed
	return s, nil
}

// Close stops the server and waits for the current requests.
func (s *Server) Close() {
	_ = s.http.Close() // of the listener
	s.serving.Wait()
	s.requests.Wait()
}

// newID returns a new ID in AWS's format.
func (s *Server) newID(prefix string) string {
	return fmt.Sprintf("%s-0%016x", prefix, s.random.Uint64())
}
