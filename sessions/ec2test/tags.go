package ec2test

import (
	"maps"
	"strings"
)

// taggable changes the tags of one resource.
type taggable struct {
	tags map[string]string
	set  func(tags map[string]string)
}

func createTags(c *call) (reply, error) {
	ids, tags := c.list("ResourceId"), c.tagList("")
	if len(ids) == 0 {
		c.fail(missing("ResourceId"))
	}
	if len(tags) == 0 {
		c.fail(missing("Tag"))
	}
	all := c.taggables(ids)
	for _, t := range all {
		merged := map[string]string{}
		maps.Copy(merged, t.tags)
		maps.Copy(merged, tags)
		if len(merged) > maxTags {
			c.fail(refused("TagLimitExceeded", "A resource has at most %d tags.", maxTags))
		}
	}
	if err := c.permitted(); err != nil {
		return nil, err
	}
	for _, t := range all {
		merged := map[string]string{}
		maps.Copy(merged, t.tags)
		maps.Copy(merged, tags)
		t.set(merged)
	}
	c.id = strings.Join(ids, " ")
	return done, nil
}

// deleteTags deletes the tags with the given keys; if a value is given too, only tags with that value. Without keys it deletes all tags
// except those of AWS.
func deleteTags(c *call) (reply, error) {
	ids := c.list("ResourceId")
	if len(ids) == 0 {
		c.fail(missing("ResourceId"))
	}
	unwanted := c.tagList("")
	all := c.taggables(ids)
	if err := c.permitted(); err != nil {
		return nil, err
	}
	for _, t := range all {
		rest := maps.Clone(t.tags)
		maps.DeleteFunc(rest, func(key, value string) bool {
			if len(unwanted) == 0 {
				return !strings.HasPrefix(key, "aws:")
			}
			wanted, ok := unwanted[key]
			return ok && (wanted == value || !c.givesValue(key))
		})
		t.set(rest)
	}
	c.id = strings.Join(ids, " ")
	return done, nil
}

// givesValue reports whether a tag of the call has a value, even an empty one.
func (c *call) givesValue(key string) bool {
	for at, keys := range c.form {
		if strings.HasPrefix(at, "Tag.") && strings.HasSuffix(at, ".Key") && keys[0] == key {
			return c.form[strings.TrimSuffix(at, "Key")+"Value"] != nil
		}
	}
	return false
}

func done(w xmlWriter) { w.flag("return", true) }

// taggables finds the resources with the given IDs.
func (c *call) taggables(ids []string) (all []taggable) {
	for _, id := range ids {
		t := c.taggable(id)
		if c.err != nil {
			return nil
		}
		all = append(all, t)
	}
	return all
}

func (c *call) taggable(id string) taggable {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "tmt":
		return tagsOf(c, targetKind, id, (*Target).clone, func(t *Target) *map[string]string { return &t.Tags })
	case "tmf":
		return tagsOf(c, filterKind, id, (*Filter).clone, func(f *Filter) *map[string]string { return &f.Tags })
	case "tmfr":
		return tagsOf(c, ruleKind, id, (*Rule).clone, func(r *Rule) *map[string]string { return &r.Tags })
	case "tms":
		return tagsOf(c, sessionKind, id, (*Session).clone, func(s *Session) *map[string]string { return &s.Tags })
	case "eni":
		return tagsOf(c, interfaceKind, id, (*Interface).clone, func(i *Interface) *map[string]string { return &i.Tags })
	case "i":
		return tagsOf(c, instanceKind, id, (*Instance).clone, func(i *Instance) *map[string]string { return &i.Tags })
	case "subnet":
		return tagsOf(c, subnetKind, id, (*Subnet).clone, func(s *Subnet) *map[string]string { return &s.Tags })
	case "sg":
		return tagsOf(c, groupKind, id, (*SecurityGroup).clone, func(g *SecurityGroup) *map[string]string { return &g.Tags })
	default:
		c.fail(refused("InvalidID", "The ID '%s' is not valid", id))
		return taggable{}
	}
}

func tagsOf[T any](c *call, k *kind[T], id string, clone func(*T) *T, of func(*T) *map[string]string) taggable {
	v := k.find(c, id)
	if v == nil {
		return taggable{}
	}
	return taggable{*of(v), func(tags map[string]string) {
		changed := clone(k.table(c.store).get(id))
		*of(changed) = tags
		k.table(c.store).put(id, changed, 0)
	}}
}
