// Package lifecycletest stands in for the metadata service of an instance (IMDSv2) and for Auto Scaling, on the wire. The package is for
// tests alone.
package lifecycletest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// Instance is one instance of a group. Its methods may be called by any goroutine.
type Instance struct {
	mu      sync.Mutex
	answers map[string]string // of the metadata service, by path
	calls   []string          // of Auto Scaling: the action, and what tells its parameters
	timeout int               // of the hook, in seconds
	fail    string            // an action that fails
}

// Settings are the group's.
type Settings struct {
	Group, Hook string // a group of "" has no instance
	Timeout     int    // of the hook, in seconds
}

// New starts both services, and sets the environment so that a program finds them and nothing else of AWS.
func New(t *testing.T, s Settings) *Instance {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	i := &Instance{timeout: s.Timeout, answers: map[string]string{
		"/latest/dynamic/instance-identity/document":           `{"region":"eu-west-1","accountId":"111122223333","instanceId":"i-0a1"}`,
		"/latest/meta-data/iam/security-credentials/":          "sink",
		"/latest/meta-data/iam/security-credentials/sink":      `{"Code":"Success","AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`,
		"/latest/meta-data/autoscaling/target-lifecycle-state": "InService",
	}}
	metadata := httptest.NewServer(http.HandlerFunc(i.serveMetadata))
	t.Cleanup(metadata.Close)
	scaling := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { i.serveScaling(w, r, s) }))
	t.Cleanup(scaling.Close)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	t.Setenv("AWS_ENDPOINT_URL_AUTO_SCALING", scaling.URL)
	return i
}

// Set sets what the metadata service says under a path, such as autoscaling/target-lifecycle-state; "" takes it away.
func (i *Instance) Set(path, text string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers["/latest/meta-data/"+path] = text
}

// Fail makes an action of Auto Scaling fail.
func (i *Instance) Fail(action string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = action
}

// Calls returns the changing calls to Auto Scaling so far, each with the instance, the group, the hook and the result.
func (i *Instance) Calls(action string) (some []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, c := range i.calls {
		if strings.HasPrefix(c, action+" ") {
			some = append(some, c)
		}
	}
	return some
}

func (i *Instance) serveMetadata(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	text := i.answers[r.URL.Path]
	i.mu.Unlock()
	switch {
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		fmt.Fprint(w, "TOKEN")
	case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "TOKEN":
		w.WriteHeader(http.StatusUnauthorized)
	case text == "":
		w.WriteHeader(http.StatusNotFound)
	default:
		fmt.Fprint(w, text)
	}
}

func (i *Instance) serveScaling(w http.ResponseWriter, r *http.Request, s Settings) {
	action, result := r.FormValue("Action"), ""
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls = append(i.calls, strings.Join([]string{action, r.FormValue("InstanceId"), r.FormValue("AutoScalingGroupName"), r.FormValue("LifecycleHookName"), r.FormValue("LifecycleActionResult")}, " "))
	switch {
	case action == i.fail:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>No active Lifecycle Action found</Message></Error></ErrorResponse>`)
		return
	case action == "DescribeAutoScalingInstances" && s.Group != "":
		result = fmt.Sprintf(`<AutoScalingInstances><member><InstanceId>%s</InstanceId><AutoScalingGroupName>%s</AutoScalingGroupName></member></AutoScalingInstances>`, r.FormValue("InstanceIds.member.1"), s.Group)
	case action == "DescribeLifecycleHooks" && r.FormValue("LifecycleHookNames.member.1") == s.Hook:
		result = fmt.Sprintf(`<LifecycleHooks><member><LifecycleHookName>%s</LifecycleHookName><LifecycleTransition>autoscaling:EC2_INSTANCE_TERMINATING</LifecycleTransition><HeartbeatTimeout>%d</HeartbeatTimeout></member></LifecycleHooks>`, s.Hook, i.timeout)
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<%[1]sResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, result)
}
