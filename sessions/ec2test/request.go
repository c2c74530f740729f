package ec2test

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// call is a request that is being answered. The server's lock is held.
type call struct {
	*store
	s      *Server
	action string
	form   url.Values
	number uint64 // of the call, from 1
	id     string // of the created, modified or deleted resource, for the log
	err    error  // the first error in the parameters
}

func (c *call) fail(err *apiError) {
	if c.err == nil {
		c.err = err
	}
}

func (c *call) has(key string) bool { return c.form.Get(key) != "" }

func (c *call) text(key string) string { return c.form.Get(key) }

func (c *call) required(key string) string {
	v := c.form.Get(key)
	if v == "" {
		c.fail(missing(key))
	}
	return v
}

// oneOf reads one of the given values, or "".
func (c *call) oneOf(key string, values ...string) string {
	v := c.form.Get(key)
	if v != "" && !slices.Contains(values, v) {
		c.fail(invalid(key, v, "It is one of "+strings.Join(values, ", ")+"."))
	}
	return v
}

// integer reads a number from lowest to highest, or returns the default.
func (c *call) integer(key string, lowest, highest, none int) int {
	v := c.form.Get(key)
	if v == "" {
		return none
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < lowest || n > highest {
		c.fail(invalid(key, v, "It is a number from "+strconv.Itoa(lowest)+" to "+strconv.Itoa(highest)+"."))
		return none
	}
	return n
}

func (c *call) flag(key string) bool { return c.oneOf(key, "true", "false") == "true" }

// list reads key.1, key.2 and so on.
func (c *call) list(key string) (all []string) {
	for i := 1; ; i++ {
		v, ok := c.form[key+"."+strconv.Itoa(i)]
		if !ok {
			return all
		}
		all = append(all, v[0])
	}
}

// Limits of tags (Tag your Amazon EC2 resources).
const (
	maxTags     = 50
	maxTagKey   = 128 // characters
	maxTagValue = 256
)

// tagList reads tags at a prefix, such as Tag.1.Key.
func (c *call) tagList(prefix string) map[string]string {
	var tags map[string]string
	for i := 1; ; i++ {
		at := prefix + "Tag." + strconv.Itoa(i)
		key, ok := c.form[at+".Key"]
		if !ok {
			return tags
		}
		if tags == nil {
			tags = map[string]string{}
		}
		c.checkTag(tags, key[0], c.form.Get(at+".Value"))
		tags[key[0]] = c.form.Get(at + ".Value")
	}
}

func (c *call) checkTag(others map[string]string, key, value string) {
	_, twice := others[key]
	switch {
	case twice:
		c.fail(refused("InvalidParameterValue", "Duplicate tag key '%s' specified.", key))
	case key == "" || utf8.RuneCountInString(key) > maxTagKey:
		c.fail(refused("InvalidParameterValue", "Tag key '%s' has not 1 to %d characters.", key, maxTagKey))
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		c.fail(refused("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use: '%s'.", key))
	case utf8.RuneCountInString(value) > maxTagValue:
		c.fail(refused("InvalidParameterValue", "The value of tag '%s' has more than %d characters.", key, maxTagValue))
	case len(others) >= maxTags:
		c.fail(refused("TagLimitExceeded", "More than %d tags.", maxTags))
	}
}

// tagsFor reads the tags to create a resource with.
func (c *call) tagsFor(resource string) map[string]string {
	at := "TagSpecification.1."
	if !c.has(at + "ResourceType") {
		if c.has(at + "Tag.1.Key") {
			c.fail(missing(at + "ResourceType"))
		}
		return nil
	}
	if kind := c.text(at + "ResourceType"); kind != resource {
		c.fail(refused("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation; it is '%s'.", kind, resource))
	}
	if c.has("TagSpecification.2.ResourceType") {
		c.fail(refused("InvalidParameterValue", "There is more than one TagSpecification for '%s'.", resource))
	}
	return c.tagList(at)
}

// permitted is called after all parameters and references were checked. It returns an error if the call is a dry run.
func (c *call) permitted() error {
	dryRun := c.flag("DryRun")
	if c.err != nil {
		return c.err
	}
	if dryRun {
		return &apiError{Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set."}
	}
	return nil
}

func (c *call) dryRun() bool { return c.form.Get("DryRun") == "true" }

// never is a number that no call reaches.
const never = ^uint64(0) - 1

// hiddenThrough returns the number of the last call that does not see what this one creates.
func (c *call) hiddenThrough() uint64 {
	switch {
	case c.s.delay == 0:
		return 0
	case c.s.delay < 0:
		return never
	default:
		return c.number + uint64(c.s.delay)
	}
}
