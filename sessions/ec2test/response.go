package ec2test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
)

// service is one of the two APIs, which differ in how they wrap an answer.
type service struct {
	name      string // of permissions
	namespace string
	denied    string // error code of an unpermitted call
	query     bool   // awsQuery, not ec2Query
}

var (
	ec2 = &service{"ec2", "http://ec2.amazonaws.com/doc/2016-11-15/", "UnauthorizedOperation", false}
	elb = &service{"elasticloadbalancing", "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/", "AccessDenied", true}
)

// serviceOf finds the API by its version. With a wrong version EC2 answers that there is no such action.
func serviceOf(version string) *service {
	switch version {
	case "2016-11-15":
		return ec2
	case "2015-12-01":
		return elb
	default:
		return &service{name: "unknown"}
	}
}

// response answers one call.
type response struct {
	w       http.ResponseWriter
	service *service
	action  string
	number  uint64
}

func (r *response) requestID() string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", r.number) }

func (r *response) start(status int) xmlWriter {
	r.w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	r.w.WriteHeader(status)
	return newXMLWriter(r.w)
}

func (r *response) ok(answer reply) {
	w := r.start(http.StatusOK)
	w.raw("<" + r.action + "Response xmlns=\"" + r.service.namespace + "\">")
	if r.service.query {
		w.in(r.action+"Result", func() { answer(w) })
		w.in("ResponseMetadata", func() { w.value("RequestId", r.requestID()) })
	} else {
		w.value("requestId", r.requestID())
		answer(w)
	}
	w.raw("</" + r.action + "Response>")
	_ = w.Flush() // fails if the client is gone
}

// fail answers with an error. A status of 0 stands for that of the code.
func (r *response) fail(err error, status int) {
	api := &apiError{"InternalError", err.Error()}
	errors.As(err, &api)
	w := r.start(cmp.Or(status, statusOf(api.Code)))
	detail := func() {
		w.value("Code", api.Code)
		w.value("Message", api.Message)
	}
	if r.service.query {
		w.in("ErrorResponse", func() {
			w.in("Error", func() {
				w.value("Type", "Sender")
				detail()
			})
			w.value("RequestId", r.requestID())
		})
	} else {
		w.in("Response", func() {
			w.in("Errors", func() { w.in("Error", detail) })
			w.value("RequestID", r.requestID())
		})
	}
	_ = w.Flush() // as in ok
}
