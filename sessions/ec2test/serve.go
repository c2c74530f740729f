package ec2test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// reply writes the members of an answer. It is called without the lock.
type reply func(w xmlWriter)

// operation is an action of the API.
type operation struct {
	service  *service
	mutating bool
	handle   func(c *call) (reply, error)
}

// pastAnswer is the answer to a creation, for a repeated client token. It is kept even if the resource is deleted.
type pastAnswer struct {
	parameters string
	id         string
	answer     reply
}

// maxBody limits a request: a list of a thousand IDs has about 50 kB.
const maxBody = 4 << 20

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	defer s.requests.Done()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return // the client is gone, or not an AWS client
	}
	form, err := url.ParseQuery(string(body))
	out := &response{w: w, action: form.Get("Action"), service: serviceOf(form.Get("Version"))}
	switch {
	case err != nil:
		out.fail(refused("MalformedQueryString", "The body is not a form: %v", err), 0)
	case r.Header.Get("Authorization") == "":
		out.fail(refused("MissingAuthenticationToken", "Request is missing Authentication Token"), 0)
	default:
		s.answer(out, form, string(body))
	}
}

// answer performs a call, unless it has a fault.
func (s *Server) answer(out *response, form url.Values, body string) {
	op, ok := operations[out.action]
	if !ok || op.service != out.service {
		out.fail(refused("InvalidAction", "The action %s is not valid for this web service.", out.action), 0)
		return
	}
	dryRun := form.Get("DryRun") == "true"

	s.mu.Lock()
	s.number++
	s.calls[out.action]++
	out.number = s.number
	fault := s.faultOf(out.action, op.mutating && !dryRun)
	c := &call{store: &s.store, s: s, action: out.action, form: form, number: out.number}
	answer, err := s.do(c, op, fault)
	if op.mutating {
		s.mutations = append(s.mutations, Mutation{Action: out.action, ID: c.id, Body: body, DryRun: dryRun, Code: codeOf(err)})
	}
	s.mu.Unlock()

	switch {
	case fault.LostRequest || fault.LostReply:
		panic(http.ErrAbortHandler) // closes the connection
	case err != nil:
		out.fail(err, fault.Status)
	default:
		out.ok(answer)
	}
}

// do performs an operation, unless it is not permitted or its parameters are wrong.
func (s *Server) do(c *call, op operation, fault Fault) (reply, error) {
	switch {
	case fault.Code != "":
		return nil, &apiError{fault.Code, fault.Message}
	case fault.LostRequest:
		return nil, &apiError{"LostRequest", "The connection was closed."}
	}
	if err := s.permit(c, op); err != nil {
		return nil, err
	}
	return s.once(c, op)
}

// once performs a permitted operation. A repeated client token gets the answer of the first call.
func (s *Server) once(c *call, op operation) (reply, error) {
	token := c.text("ClientToken")
	if token == "" || c.dryRun() {
		return op.handle(c)
	}
	if len(token) > 64 {
		return nil, invalid("ClientToken", token, "It has at most 64 characters.")
	}
	key, parameters := c.action+" "+token, parametersOf(c.form)
	if old, ok := s.tokens[key]; ok {
		if old.parameters != parameters {
			return nil, refused("IdempotentParameterMismatch", "Client token %s was used before, with other parameters.", token)
		}
		c.id = old.id
		return old.answer, nil
	}
	answer, err := op.handle(c)
	if err == nil {
		s.tokens[key] = pastAnswer{parameters, c.id, answer}
	}
	return answer, err
}

// parametersOf returns what must be equal in two calls with the same client token.
func parametersOf(form url.Values) string {
	keys := make([]string, 0, len(form))
	for key := range form {
		if key != "ClientToken" && key != "DryRun" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var all strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&all, "%s=%q ", key, form.Get(key))
	}
	return all.String()
}

// permit returns an error if the account denies the action, or the tags in it.
func (s *Server) permit(c *call, op operation) error {
	for _, action := range []string{c.action, "CreateTags"} {
		if action != c.action && !c.has("TagSpecification.1.ResourceType") {
			continue
		}
		if _, denied := s.denied[action]; denied {
			return refused(op.service.denied, "You are not authorized to perform this operation. User: arn:aws:iam::%s:user/test is not authorized to perform: %s:%s because no identity-based policy allows the action.",
				s.account, op.service.name, action)
		}
	}
	return nil
}

func codeOf(err error) string {
	var api *apiError
	if errors.As(err, &api) {
		return api.Code
	}
	return ""
}
