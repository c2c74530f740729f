// Package ec2test is an EC2 for tests: a server that keeps state and speaks the wire protocol of the EC2 API as far as
// traffic mirroring needs it, and of Elastic Load Balancing as far as a diagnosis does. Clients are real ones, with their
// endpoint set to Server.URL. It is strict where AWS is: quotas, dependencies, error codes, dry runs, pages, client tokens;
// and it can be slow to agree, throttle, fail, and lose replies, when a test says so.
//
// Signatures are not checked, and any region will do. It is no part of the program.
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

// Server is a running EC2. All methods are safe for concurrent use.
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
	tokens    map[string]remembered // by action and ClientToken
	denied    set
	faults    []*faultRule
	hook      func(action string, n int) Fault
	delay     int
}

// New starts a server on a free port of the loopback interface. It panics if there is none, as net/http/httptest does.
func New(a Account) *Server {
	s, err := Listen(a, "127.0.0.1:0")
	if err != nil {
		panic("ec2test: " + err.Error())
	}
	return s
}

// Listen starts a server at an address. The error is that of listening there.
func Listen(a Account, address string) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{
		URL:     "http://" + listener.Addr().String(),
		account: cmp.Or(a.ID, "111122223333"), region: cmp.Or(a.Region, "eu-west-1"), limits: a.Limits.orAWS(),
		store: newStore(), random: rand.New(rand.NewPCG(a.Seed, 0)),
		calls: map[string]int{}, tokens: map[string]remembered{}, denied: set{},
	}
	s.seed(&a)
	s.http.Handler = s
	s.serving.Go(func() { _ = s.http.Serve(listener) }) // http.ErrServerClosed
	return s, nil
}

// Close ends the server, and returns when no request is being answered.
func (s *Server) Close() {
	_ = s.http.Close() // of the listener
	s.serving.Wait()
	s.requests.Wait()
}

// newID makes up an ID in AWS's style.
func (s *Server) newID(prefix string) string {
	return fmt.Sprintf("%s-0%016x", prefix, s.random.Uint64())
}
